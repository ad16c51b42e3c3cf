"""The pilot through the real decision layer, which runs beside it from its own environment; the models are stand-ins.

Left out where that environment was not made (`make setup` makes it).
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from provision.cli.main import run
from tests.stand_ins.openai_server import StandIn, serve
from tests.unit.pilot.conftest import answer
from tests.unit.pilot.files import target, use_cases, write

FOLDER = Path(__file__).parents[3] / "decision_layer"
PROGRAM = FOLDER / ".venv/bin/decision-layer"
KEY = "a-key-of-more-than-sixteen"

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="decision_layer/.venv is not there: make setup")


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """For 127.0.0.1, vouching for itself: the decision layer asks a cloud by https alone."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in of a cloud")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "cloud.pem", folder / "cloud.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return pem, context


@pytest.fixture
def layer(tmp_path: Path) -> Iterator[tuple[str, StandIn, StandIn]]:
    """Its address, the model at home and the one in a cloud. The policy is the example's, with these addresses."""
    pem, context = make_certificate(tmp_path)
    with (
        serve(StandIn(models=("chat",), reply=answer)) as home,
        serve(StandIn(models=("opus",), reply=answer), context) as cloud,
    ):
        policy: dict[str, Any] = yaml.safe_load((FOLDER / "examples/hybrid-firm.yml").read_text())
        chat, _, opus = policy["models"]
        chat["upstream"]["url"] = home.url
        opus["upstream"] = {"api": "openai", "url": cloud.url, "model": "opus", "key": "anthropic"}
        credentials = tmp_path / "credentials"
        credentials.mkdir()
        for name in ("engine", "mistral", "anthropic", "client-n8n"):
            (credentials / name).write_text(secrets.token_hex(16))
        (credentials / "client-open-webui").write_text(KEY)
        (credentials / "audit").write_text(secrets.token_hex(32))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = {"policy": "policy.yml", "credentials": "credentials", "state": "state"}
        (tmp_path / "policy.yml").write_text(yaml.safe_dump(policy))
        document = {key: str(tmp_path / name) for key, name in settings.items()} | {"port": port}
        (tmp_path / "settings.yml").write_text(yaml.safe_dump(document))
        argv = [str(PROGRAM), "serve", "--settings", str(tmp_path / "settings.yml")]
        process = subprocess.Popen(argv, env={**os.environ, "SSL_CERT_FILE": str(pem)}, stderr=subprocess.DEVNULL)
        try:
            yield _wait(f"http://127.0.0.1:{port}/v1", process), home, cloud
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(f"{url}/models", timeout=2)
        except httpx.HTTPError:
            time.sleep(0.1)
            continue
        return url
    raise AssertionError("the decision layer did not start")


def test_classes_records_and_refusals_are_those_of_the_decision_layer(
    layer: tuple[str, StandIn, StandIn],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, home, cloud = layer
    monkeypatch.setenv("PILOT_KEY", KEY)
    tests = use_cases()
    tests["cases"][0]["task"] = "strategy"
    through = {"gateway": True, "key_env": "PILOT_KEY"}
    targets = [
        target("home", url, **through),
        target("cloud", url, zone="cloud", model="claude-opus", **through),
        target("judge", url, compared=False, **through),
    ]
    files = write(tmp_path, tests, targets)
    argv = ["pilot", "run", "--tests", str(files[0]), "--targets", str(files[1]), "-o", str(tmp_path / "out"), "--json"]
    assert run(argv) == 0
    found = json.loads(capsys.readouterr().out)["result"]
    fates = {(one["case"], one["target"]): one for one in found["answers"]}
    assert fates["capital", "cloud"]["fate"] == "answered"
    assert (fates["capital", "cloud"]["zone"], fates["capital", "cloud"]["model"]) == ("us-cloud", "claude-opus")
    assert fates["letter", "home"]["zone"] == "home"
    for case in ("letter", "summary"):
        refused = fates[case, "cloud"]
        assert (refused["fate"], refused["refused_by"]) == ("refused", "decision layer")
        assert refused["reason"]
    assert all(one["record"] for one in found["answers"])
    assert len({one["record"] for one in found["answers"]}) == len(found["answers"])
    asked = {one["messages"][-1]["content"] for one in cloud.asked}
    assert asked == {"Name the capital of France."}, "nothing else reached the cloud"
    assert len(home.asked) >= 4

"""A real gateway process between real sockets: one mock stands for the engine at home, one for the cloud."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import resource
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Outcome
from decision_layer.audit.sqlite import SqliteBackend
from tests.gateway.mock_upstream import Mock, start

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "hybrid-firm.yml"
SCHEMES = {"home": "http", "cloud": "https"}
PEOPLE = {"reviewers": "rita", "approvers": "paul"}
PUBLIC = {"x-data-class": "public", "x-task-type": "strategy"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_certificate(folder: Path) -> Path:
    """Key and self-signed certificate of localhost in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    place = folder / "localhost.pem"
    place.write_bytes(made.public_bytes(pem) + secret)
    return place


class Lab:
    """The gateway's files, its process, and what reached the mocks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {"home": free_port(), "cloud": free_port()}
        self.port = free_port()
        self.certificate = make_certificate(folder)
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.kills = 0
        self.opened = threading.Event()
        """While a policy is in use that lets something leave; for the faults that change it."""
        self.shut: list[tuple[float, float]] = []
        """From when to when a policy was known to be in use that lets nothing leave (time.monotonic)."""
        self.key = secrets.token_hex(16)
        self.people_keys = {person: secrets.token_hex(16) for person in PEOPLE.values()}
        self.reader = ("prometheus", secrets.token_hex(16))
        self.settings = folder / "settings.yml"
        self.policy = folder / "policy.yml"
        self.spoilt = folder / "spoilt"
        self.spoilt.write_text("")
        for name in ("credentials", "state", "second"):
            (folder / name).mkdir()
        self.write_policy(yaml.safe_load(EXAMPLE.read_text()))
        self.settings.write_text(
            yaml.safe_dump(
                {
                    "policy": str(self.policy),
                    "credentials": str(folder / "credentials"),
                    "state": str(folder / "state"),
                    "second_place": str(folder / "second"),
                    "port": self.port,
                    "metrics": {"user": self.reader[0], "key": "metrics"},
                }
            )
        )

    def write_policy(self, document: dict[str, Any]) -> None:
        """The shipped example with the mocks' addresses; the cloud's speaks TLS, as the policy demands."""
        names = {"audit": secrets.token_hex(32), "metrics": self.reader[1]}
        for model in document["models"]:
            side = "home" if model["zone"] == "home" else "cloud"
            model["upstream"]["url"] = f"{SCHEMES[side]}://localhost:{self.ports[side]}/v1"
            model["endpoints"] = ["chat", "responses", "embeddings", "messages"]
            if model["upstream"].get("key"):
                names[model["upstream"]["key"]] = secrets.token_hex(16)
        for role, person in PEOPLE.items():
            document[role] = [{"name": person, "key": f"person-{person}"}]
            names[f"person-{person}"] = self.people_keys[person]
        next(item for item in document["classes"] if item["name"] == "internal")["approval"] = True
        document["limits"] = {"text_chars": 60_000, "detection_seconds": 1.0}
        for client in document["clients"]:
            names[client["key"]] = self.key if client["name"] == "open-webui" else secrets.token_hex(16)
            client["requests_per_minute"] = 1_000_000
        for name, value in names.items():
            place = self.folder / "credentials" / name
            if not place.exists():
                place.write_text(value)
        self.policy.write_text(yaml.safe_dump(document, sort_keys=False))

    def login(self, person: str) -> tuple[str, str]:
        return person, self.people_keys[person]

    def start(self) -> None:
        environment = {**os.environ, "SSL_CERT_FILE": str(self.certificate), "SPOILT": str(self.spoilt)}
        argv = [sys.executable, "-m", "tests.gateway.spoilt", "serve", "--settings", str(self.settings)]
        self.process = subprocess.Popen(argv, env=environment, cwd=ROOT, stderr=(self.folder / "stderr").open("ab"))
        self.wait_until_up()

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + 120  # a busy machine
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.02)
        raise AssertionError((self.folder / "stderr").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)
            self.process = None

    def kill(self) -> None:
        """At once, as the kernel does it when memory runs out."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        self.process = None
        self.kills += 1

    def kill_reader(self) -> None:
        """The gateway's other process, which runs the detectors; it starts another one."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)

    def reload(self) -> None:
        """The policy file is read again; what uses it next may come before that is done."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def fill_disk(self, *, full: bool) -> None:
        """No file of the gateway can take another byte (RLIMIT_FSIZE: EFBIG, as ENOSPC would be)."""
        assert self.process is not None
        unlimited = resource.RLIM_INFINITY
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (0 if full else unlimited, unlimited))

    def take_log_away(self, *, away: bool) -> None:
        log = self.folder / "state" / "audit" / "audit.sqlite"
        gone = log.with_name("away")
        (log if away else gone).rename(gone if away else log)

    def seen(self, side: str) -> list[dict[str, Any]]:
        """Bodies at the mock's socket, and when they came (time.monotonic)."""
        place = self.folder / f"{side}.jsonl"
        return [json.loads(line) for line in place.read_text().splitlines()] if place.exists() else []

    def outcome(self, record_id: str) -> Outcome:
        """It is written after the answer's last byte."""
        reader = LogReader(SqliteBackend(self.folder / "state" / "audit"))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for found in reader.of(record_id):
                if isinstance(found.entry, Outcome):
                    return found.entry
            time.sleep(0.02)
        raise AssertionError(f"{record_id} has no outcome")

    def forget(self) -> None:
        for side in self.ports:
            (self.folder / f"{side}.jsonl").write_text("")

    def fault(self, side: str, name: str) -> None:
        url = f"{SCHEMES[side]}://localhost:{self.ports[side]}/fault"
        trust = ssl.create_default_context(cafile=str(self.certificate))
        assert httpx.post(url, content=name, verify=trust).status_code == 200

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"authorization": f"Bearer {self.key}", **headers}
        return httpx.post(self.url + path, content=content, headers=given, timeout=20)


def _run_mocks(lab: Lab, ready: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    for side, port in lab.ports.items():
        context = None
        if SCHEMES[side] == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(lab.certificate)
        loop.run_until_complete(start(Mock(side, lab.folder / f"{side}.jsonl"), port, context))
    ready.set()
    loop.run_forever()


@contextmanager
def running_mocks(folder: Path) -> Iterator[Lab]:
    """The mocks, and the files of a gateway that is not started."""
    lab = Lab(folder)
    loop, ready = asyncio.new_event_loop(), threading.Event()
    thread = threading.Thread(target=_run_mocks, args=(lab, ready, loop), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield lab
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """A gateway with its mocks, until the end of the block."""
    with running_mocks(folder) as lab:
        lab.start()
        try:
            yield lab
        finally:
            lab.stop()

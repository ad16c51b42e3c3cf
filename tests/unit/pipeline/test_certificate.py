"""A supplied certificate is judged before anything changes, and its key goes nowhere but into the vault."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from provision.errors import ErrorGroup, ProvisionError, SetupError
from provision.models.plan import Plan
from provision.models.profile import Certificate
from provision.models.routing import Routing
from provision.pipeline.certificate import keep_site_key, read_certificate, trust_file
from provision.runner.secrets import read_secrets
from provision.runner.workspace import open_workspace

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "sme-2x4090-lab" / "plan.json"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
HOSTS = ["chat.ai.internal", "flows.ai.internal"]


class Issued(NamedTuple):
    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self, password: bytes = b"") -> bytes:
        how = BestAvailableEncryption(password) if password else NoEncryption()
        return bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))


def issue(name: str, by: Issued | None = None, hosts: list[str] | None = None, end: datetime.timedelta = DAY) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 2 * DAY)
        .not_valid_after(NOW + end)
        .add_extension(x509.BasicConstraints(ca=not hosts, path_length=None), critical=True)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), False)
    return Issued(builder.sign(by.key if by else key, hashes.SHA256()), key)


ROOT = issue("root")
BETWEEN = issue("between", ROOT)
SITE = issue("site", BETWEEN, HOSTS)
CHAIN = SITE.pem + BETWEEN.pem


def plan_with(folder: Path, chain: bytes, key: bytes, authority: bytes = b"", mode: int = 0o600) -> Plan:
    for name, content in (("site.crt", chain), ("site.key", key), ("root.pem", authority)):
        (folder / name).write_bytes(content)
    (folder / "site.key").chmod(mode)
    certificate = Certificate(
        source="supplied",
        certificate=str(folder / "site.crt"),
        key=str(folder / "site.key"),
        authority=str(folder / "root.pem") if authority else None,
    )
    plan = Plan.model_validate_json(FIXTURE.read_text())
    assert [site.host for site in plan.sites] == HOSTS
    return plan.model_copy(update={"certificate": certificate})


def all_of(error: BaseException) -> list[ProvisionError]:
    if isinstance(error, ErrorGroup):
        return list(error.errors)
    assert isinstance(error, ProvisionError)
    return [error]


def test_a_good_one_is_taken_and_its_key_shows_nowhere(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, CHAIN, SITE.key_pem(), ROOT.pem)
    supplied = read_certificate(plan)
    assert supplied.files.chain == CHAIN.decode()
    body = SITE.key_pem().decode().splitlines()[1]
    assert body not in repr(supplied) + str(supplied.model_dump()) + supplied.model_dump_json()
    workspace = open_workspace(tmp_path / "home", "acme", "live")
    keep_site_key(workspace, supplied)
    keep_site_key(workspace, supplied)
    assert read_secrets(workspace)["caddy_site_key"] == SITE.key_pem().decode()
    assert all(body not in file.read_text() for file in workspace.folder.rglob("*") if file.is_file())
    assert trust_file(workspace, plan) == tmp_path / "root.pem"


def test_a_wildcard_covers_one_part(tmp_path: Path) -> None:
    wild = issue("site", ROOT, ["*.ai.internal"])
    assert read_certificate(plan_with(tmp_path, wild.pem, wild.key_pem())).key is not None
    wide = issue("site", ROOT, ["*.internal"])
    with pytest.raises(SetupError, match="not for chat"):
        read_certificate(plan_with(tmp_path, wide.pem, wide.key_pem()))


OLD = issue("old", BETWEEN, HOSTS, -DAY)
EDWARDS = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("chain", "key", "authority", "said"),
    [
        (CHAIN, ROOT.key_pem(), b"", "not the one of the certificate"),
        (CHAIN, SITE.key_pem(b"word"), b"", "encrypted"),
        (CHAIN, b"nothing", b"", "no private key"),
        (CHAIN, EDWARDS, b"", "neither RSA"),
        (b"nothing", SITE.key_pem(), b"", "no certificate"),
        (SITE.pem + ROOT.pem, SITE.key_pem(), b"", "which it did not issue"),
        (OLD.pem, OLD.key_pem(), b"", "expired on"),
        (issue("x", ROOT, HOSTS[:1]).pem, b"nothing", b"", "not for flows.ai.internal"),
        (SITE.pem, SITE.key_pem(), ROOT.pem, "did not issue"),
    ],
)
def test_what_is_wrong_is_said_with_a_next_step(
    tmp_path: Path, chain: bytes, key: bytes, authority: bytes, said: str
) -> None:
    with pytest.raises((SetupError, ErrorGroup)) as caught:
        read_certificate(plan_with(tmp_path, chain, key, authority))
    errors = all_of(caught.value)
    assert any(said in error.what for error in errors), errors
    assert all(error.hint and str(tmp_path) in error.where for error in errors)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="others may read"):
        read_certificate(plan_with(tmp_path, CHAIN, SITE.key_pem(), mode=0o640))


def plan_of_cloud(*files: Path) -> Plan:
    model = {
        "title": "Small",
        "provider": "firm",
        "zone": "eu-cloud",
        "url": "https://llm.example.org/v1",
        "model": "small",
        "addresses": ["192.0.2.7"],
        "key": "firm",
    }
    models = [model | {"name": f"small-{number}", "authority": str(file)} for number, file in enumerate(files)]
    plan = Plan.model_validate_json(FIXTURE.read_text())
    return plan.model_copy(update={"routing": Routing.model_validate_json(json.dumps({"models": models}))})


def test_who_vouches_for_a_model_outside_is_read_without_what_else_lies_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "inspection.pem"
    file.write_bytes(b"our inspection\n" + ROOT.pem + ROOT.key_pem() + BETWEEN.pem)
    assert read_certificate(plan_of_cloud(file, file)).files.providers == {str(file): (ROOT.pem + BETWEEN.pem).decode()}


def test_each_file_that_cannot_vouch_is_told_with_its_place_in_the_profile(tmp_path: Path) -> None:
    contents = (b"-----BEGIN CERTIFICATE-----\nx\n", issue("gone", end=-DAY).pem, "\u00e4".encode())
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.pem").write_bytes(content)
    with pytest.raises(ErrorGroup) as caught:
        read_certificate(plan_of_cloud(*(tmp_path / f"{number}.pem" for number in range(4))))
    errors = all_of(caught.value)
    said = [
        "holds no certificate in PEM",
        "'CN=gone' expired on",
        "this is no PEM file",
        "cannot be read: No such file",
    ]
    assert [words for words, error in zip(said, errors, strict=True) if words not in error.what] == []
    assert "0.pem, which routing.models.0.authority names" in errors[0].where
    assert all(error.hint for error in errors)

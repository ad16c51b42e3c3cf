"""The probes from outside against a stand-in for the gateway: real TLS with a CA of its own, real HTTP on loopback.

The stand-in answers as Open WebUI 0.12.4 and n8n 2.41.1 were seen to answer.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from provision.models.observation_web import VectorStoreObservation
from provision.models.plan import Plan
from provision.models.profile import SignOn
from provision.verify import web_steps
from provision.verify.web import Credentials, observe_web

ADDRESS = "127.0.0.31"
EMAIL, PASSWORD, KEY = "admin@ai.internal", "right-password", "right-key"


def make_authority(folder: Path, name: str) -> tuple[Path, Any, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    root = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.crt"
    path.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    return path, key, root


def make_site(folder: Path, authority: tuple[Path, Any, x509.Certificate], names: list[str]) -> Path:
    _, authority_key, root = authority
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    alternatives: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(ADDRESS))]
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=12))
        .add_extension(x509.SubjectAlternativeName([*alternatives, *map(x509.DNSName, names)]), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    path = folder / "site.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + secret)
    return path


class StandIn(BaseHTTPRequestHandler):
    """Answers for both applications; `faults` makes it misbehave."""

    faults: set[str] = set()  # noqa: RUF012 - shared on purpose, each test sets its own
    calls: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != "Bearer the-token":
            return self.answer(401, {"detail": "Not authenticated"})
        return self.answer(200, {"data": [{"id": "chat"}, {"id": "unplanned"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.calls.append(self.path)
        status, document = self.route(body)
        self.answer(status, document)

    def route(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        match self.path:
            case "/api/v1/auths/signin":
                if "limited-once" in self.faults:
                    self.faults.discard("limited-once")
                    return 429, {"detail": "too many"}
                if (body["email"], body["password"]) == (EMAIL, PASSWORD) or "any-password" in self.faults:
                    return 200, {"token": "the-token", "role": "admin"}
                return 400, {"detail": "The email or password provided is incorrect."}
            case "/api/v1/auths/signup":
                return (200, {"role": "user"}) if "sign-up" in self.faults else (403, {"detail": "Access prohibited"})
            case "/api/chat/completions":
                if self.headers.get("Authorization") != "Bearer the-token" or body["model"] != "chat":
                    return 400, {"detail": "Model not found"}
                text = {"choices": [{"message": {"content": "Paris"}}], "usage": {"completion_tokens": 1}}
                return (200, {"choices": []}) if "empty" in self.faults else (200, text)
            case "/webhook/ask":
                if "webhook-late" in self.faults:
                    self.faults.discard("webhook-late")
                    return 404, {"message": "The requested webhook is not registered."}
                if self.headers.get("X-Webhook-Key") != KEY:
                    return 403, {"message": "Authorization data is wrong!"}
                return 200, {"model": "chat", "answer": "an invoice"}
            case "/webhook/classify" | "/webhook/health-report" if self.headers.get("X-Webhook-Key") != KEY:
                return 403, {"message": "Authorization data is wrong!"}
            case "/webhook/classify":
                kind = "invoice" if "Invoice" in body["text"] else "complaint"
                return 200, {"class": kind, "summary": f"{body['text'][:9]}\n", "model": "chat", "cut": False}
            case "/webhook/health-report":
                row = {"engine": "chat", "healthy": True, "answered": True, "seconds": 0.2, "problem": "", "id": 1}
                return 200, {"engines": [{"engine": "half"} if "half-a-report" in self.faults else row]}
            case "/rest/login":
                right = (body["emailOrLdapLoginId"], body["password"]) == (EMAIL, PASSWORD)
                return (200, {"data": {"email": EMAIL}}) if right else (401, {"message": "Wrong username or password."})
        return 404, {}

    def answer(self, status: int, document: dict[str, Any]) -> None:
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


class Gateway:
    """The stand-in, its CA and the plan that points at it."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        authority = make_authority(folder, "own-ca")
        self.ca = authority[0]
        certificate = make_site(folder, authority, [site.host for site in plan.sites])
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        self.server = ThreadingHTTPServer((ADDRESS, 0), StandIn)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        document = json.loads(plan.model_dump_json())
        for machine in document["machines"]:
            machine["address"] = ADDRESS
        for site in document["sites"]:
            site |= {"url": f"https://{ADDRESS}:{self.port}/", "port": self.port}
        self.plan = Plan.model_validate(document)


@pytest.fixture
def gateway(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setattr(web_steps, "_RETRY_S", 0.05)
    StandIn.faults, StandIn.calls = set(), []
    gateway = Gateway(plan, tmp_path)
    thread = threading.Thread(target=gateway.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield gateway
    gateway.server.shutdown()
    gateway.server.server_close()
    thread.join()


def credentials(password: str = PASSWORD) -> Credentials:
    secret = SecretStr(password)
    return Credentials(
        chat_email=EMAIL,
        chat_password=secret,
        flows_email=EMAIL,
        flows_password=secret,
        webhook_key=SecretStr(KEY),
        metrics_login=EMAIL,
        metrics_password=secret,
    )


def test_a_healthy_gateway(gateway: Gateway) -> None:
    seen = observe_web(gateway.plan, credentials(), gateway.ca)
    assert [(item.site, item.trusted, item.refused_without_ca) for item in seen.tls] == [
        ("chat", True, True),
        ("flows", True, True),
    ]
    assert seen.chat is not None
    assert seen.workflow is not None
    assert (seen.chat.sign_in.status, seen.chat.role) == (200, "admin")
    assert (seen.chat.wrong_password.status, seen.chat.sign_up.status) == (400, 403)
    assert [(a.model, a.text, a.completion_tokens) for a in seen.chat.answers] == [("chat", "Paris", 1)]
    flow = seen.workflow
    assert (flow.run.status, flow.answer, flow.model) == (200, "an invoice", "chat")
    assert (flow.wrong_key.status, flow.editor_login.status, flow.wrong_login.status) == (403, 200, 401)
    assert [(item.document_class, item.summary, item.model) for item in flow.documents] == [
        ("invoice", "Invoice 2", "chat"),
        ("complaint", "Dear Sir", "chat"),
    ]
    assert flow.report is not None
    assert [(row.engine, row.healthy, row.answered) for row in flow.report.engines] == [("chat", True, True)]
    assert [scan.machine for scan in seen.ports] == ["engine", "data", "apps", "gateway"]


def test_a_report_that_is_not_whole_is_no_report(gateway: Gateway) -> None:
    StandIn.faults = {"half-a-report"}
    seen = observe_web(gateway.plan, credentials(), gateway.ca)
    assert seen.workflow is not None
    assert seen.workflow.report is not None
    assert (seen.workflow.report.step.status, seen.workflow.report.engines) == (200, ())


def test_another_authority_is_refused_everywhere(gateway: Gateway, tmp_path: Path) -> None:
    stranger, _, _ = make_authority(tmp_path, "other-ca")
    seen = observe_web(gateway.plan, credentials(), stranger)
    assert not any(item.trusted for item in seen.tls)
    assert "certificate verify failed" in seen.tls[0].trusted_error
    assert seen.chat is not None
    assert seen.workflow is not None
    assert seen.chat.sign_in.status is None
    assert "certificate verify failed" in seen.chat.sign_in.error
    assert "certificate verify failed" in seen.workflow.run.error
    assert StandIn.calls == []  # no password went out before the certificate was verified


def test_a_certificate_for_another_name_is_refused(gateway: Gateway) -> None:
    sites = tuple(site.model_copy(update={"host": "evil.example.org"}) for site in gateway.plan.sites)
    seen = observe_web(gateway.plan.model_copy(update={"sites": sites}), credentials(), gateway.ca)
    assert not any(item.trusted for item in seen.tls)
    assert "evil.example.org" in seen.tls[0].trusted_error


def test_a_site_that_anyone_trusts_is_told(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(gateway.ca))
    seen = observe_web(gateway.plan, credentials(), gateway.ca)
    assert [(item.trusted, item.refused_without_ca) for item in seen.tls] == [(True, False), (True, False)]


def test_a_missing_ca_file_is_an_observation(gateway: Gateway, tmp_path: Path) -> None:
    seen = observe_web(gateway.plan, credentials(), tmp_path / "none.crt")
    assert seen.chat is not None
    assert "CA's file cannot be read" in seen.chat.sign_in.error
    assert "No such file" in seen.tls[0].trusted_error


def test_a_dead_gateway_is_an_observation(gateway: Gateway) -> None:
    gateway.server.shutdown()
    gateway.server.server_close()
    seen = observe_web(gateway.plan, credentials(), gateway.ca)
    assert seen.chat is not None
    assert seen.workflow is not None
    assert "refused" in seen.chat.sign_in.error
    assert "refused" in seen.workflow.run.error
    assert not any(item.trusted for item in seen.tls)


def test_wrong_credentials(gateway: Gateway) -> None:
    seen = observe_web(gateway.plan, credentials("wrong"), gateway.ca)
    assert seen.chat is not None
    assert seen.chat.sign_in.status == 400
    assert "incorrect" in seen.chat.sign_in.detail
    assert seen.chat.answers == ()


@pytest.mark.parametrize("fault", ["limited-once", "webhook-late"])
def test_what_passes_by_itself_is_waited_for(gateway: Gateway, fault: str) -> None:
    StandIn.faults = {fault}
    seen = observe_web(gateway.plan, credentials(), gateway.ca)
    assert seen.chat is not None
    assert seen.workflow is not None
    assert (seen.chat.sign_in.status, seen.workflow.run.status) == (200, 200)


def test_chat_and_document_cost_one_sign_in_of_the_administrator(gateway: Gateway) -> None:
    """Open WebUI takes 15 in three minutes: verify must be able to run again and again."""
    StandIn.calls.clear()
    seen = observe_web(gateway.plan, credentials(), gateway.ca, lambda _: VectorStoreObservation())
    assert seen.document is not None
    assert seen.document.sign_in.status == 200
    assert StandIn.calls.count("/api/v1/auths/signin") == 2  # the administrator's, and the unknown account's


def test_what_is_open_is_told(gateway: Gateway) -> None:
    StandIn.faults = {"any-password", "sign-up", "empty"}
    seen = observe_web(gateway.plan, credentials(), gateway.ca)
    assert seen.chat is not None
    assert (seen.chat.wrong_password.status, seen.chat.sign_up.status) == (200, 200)
    assert seen.chat.answers[0].text == ""


def test_no_secret_is_kept_or_shown(gateway: Gateway) -> None:
    given = credentials()
    seen = observe_web(gateway.plan, given, gateway.ca)
    for secret in (PASSWORD, KEY, "the-token"):
        assert secret not in repr(given)
        assert secret not in seen.model_dump_json()


def by_name(gateway: Gateway) -> Plan:
    """The same sites at their names, which no name server knows."""
    sites = [
        site.model_copy(update={"url": f"https://{site.host}:{gateway.port}/", "address": ADDRESS})
        for site in gateway.plan.sites
    ]
    return gateway.plan.model_copy(update={"sites": tuple(sites)})


def test_sites_are_asked_and_verified_by_name_at_the_gateways_address(gateway: Gateway) -> None:
    seen = observe_web(by_name(gateway), credentials(), gateway.ca)
    assert all(site.trusted and site.refused_without_ca for site in seen.tls)
    assert seen.chat is not None
    assert seen.chat.sign_in.status == 200
    other = [site.model_copy(update={"url": f"https://other.ai.internal:{gateway.port}/", "address": ADDRESS})
             for site in gateway.plan.sites]  # fmt: skip
    wrong = observe_web(gateway.plan.model_copy(update={"sites": tuple(other)}), credentials(), gateway.ca)
    assert not any(site.trusted for site in wrong.tls)
    assert wrong.chat is not None
    assert "certificate verify failed" in wrong.chat.sign_in.error


def test_behind_a_sign_on_only_the_door_is_looked_at(gateway: Gateway) -> None:
    sign_on = SignOn(url="http://auth.house/verify", addresses=(ipaddress.IPv4Address("10.42.0.99"),))
    seen = observe_web(by_name(gateway).model_copy(update={"sign_on": sign_on}), credentials(), gateway.ca)
    assert [(guard.site, guard.page.status) for guard in seen.sign_on] == [("chat", 401), ("flows", 401)]
    assert (seen.chat, seen.workflow, seen.document) == (None, None, None)
    assert StandIn.calls == []

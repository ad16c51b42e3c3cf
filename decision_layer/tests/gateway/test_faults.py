"""What breaks inside: the process killed, the policy changed or spoilt, the audit trail gone, a client that leaves."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Decision, Outcome
from decision_layer.audit.sqlite import SqliteBackend
from tests.gateway.running import PUBLIC, Lab, running_lab

CHAT: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Name the capital of France."}]}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Lab]:
    """A gateway of this test's own, since it is killed or spoilt."""
    with running_lab(tmp_path) as lab:
        yield lab


def verify(lab: Lab) -> subprocess.CompletedProcess[str]:
    audit, key = lab.folder / "state" / "audit", lab.folder / "credentials" / "audit"
    argv = [sys.executable, "-m", "decision_layer", "audit", "verify", "--directory", str(audit), "--key", str(key)]
    return subprocess.run(
        [*argv, "--second-place", str(lab.folder / "second")], capture_output=True, text=True, check=False
    )


def test_every_answer_has_its_record_whenever_the_gateway_is_killed(own: Lab) -> None:
    answered: list[str] = []

    def ask() -> None:
        with httpx.Client(timeout=5) as client:
            while True:
                try:
                    headers = {"authorization": f"Bearer {own.key}"}
                    answer = client.post(own.url + "/v1/chat/completions", json=CHAT, headers=headers)
                except httpx.HTTPError:
                    return
                answered.append(answer.headers["x-decision-record"])

    for _ in range(3):
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.7)
        own.kill()
        for thread in threads:
            thread.join(10)
        own.start()
    assert len(answered) > 5
    with closing(sqlite3.connect(own.folder / "state" / "audit" / "audit.sqlite")) as link:
        stored = {row[0] for row in link.execute("SELECT record_id FROM entries WHERE kind = 'decision'")}
    assert set(answered) <= stored
    done = verify(own)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_request_that_was_cut_by_the_kill_gets_its_outcome_at_the_next_start(own: Lab) -> None:
    own.fault("home", "slow")
    headers = {"authorization": f"Bearer {own.key}", "x-request-id": "req-77"}
    body = {**CHAT, "stream": True}
    with httpx.stream("POST", own.url + "/v1/chat/completions", json=body, headers=headers, timeout=10) as answer:
        record = answer.headers["x-decision-record"]
        own.kill()
    own.start()
    reader = LogReader(SqliteBackend(own.folder / "state" / "audit"))
    decision, outcome = (row.entry for row in reader.of(record))
    assert isinstance(decision, Decision)
    assert isinstance(outcome, Outcome)
    assert (decision.request_id, outcome.result, outcome.status) == ("req-77", "interrupted", 0)
    assert [(item.model, item.storage) for item in decision.candidates if item.model == "chat"] == [("chat", "home")]
    own.stop()
    done = verify(own)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_reload_is_whole_and_a_bad_file_changes_nothing(own: Lab) -> None:
    def reload(change: Any) -> str:
        document = yaml.safe_load(own.policy.read_text())
        change(document)
        own.policy.write_text(yaml.safe_dump(document, sort_keys=False))
        own.reload()
        time.sleep(0.5)
        policy: str = httpx.get(own.url + "/health").json()["policy"]
        return policy

    first = httpx.get(own.url + "/health").json()["policy"]
    assert reload(lambda d: d.update(version=0)) == first
    assert reload(lambda d: d.update(version=1, name="other")) == first  # not newer
    assert own.post("/v1/chat/completions", CHAT, **PUBLIC).headers["x-zone"] == "us-cloud"

    def close_the_cloud(document: dict[str, Any]) -> None:
        document["version"] = 2
        for item in document["classes"]:
            item["zones"] = ["home"]

    assert reload(close_the_cloud) != first
    assert own.post("/v1/chat/completions", CHAT, **PUBLIC).headers["x-zone"] == "home"
    assert "is not newer" in (own.folder / "stderr").read_text()


def test_without_its_trail_nothing_is_answered(own: Lab) -> None:
    assert own.post("/v1/chat/completions", CHAT).status_code == 200
    own.forget()
    log = own.folder / "state" / "audit" / "audit.sqlite"
    with closing(sqlite3.connect(log, isolation_level=None, timeout=5)) as link:
        link.execute("BEGIN EXCLUSIVE")
        answer = own.post("/v1/chat/completions", CHAT, **PUBLIC)
        link.execute("ROLLBACK")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "audit_unavailable")
    assert own.seen("cloud") == own.seen("home") == []
    assert own.post("/v1/chat/completions", CHAT).status_code == 200


def test_a_client_that_leaves_ends_the_engines_work(own: Lab) -> None:
    own.fault("home", "slow")
    headers = {"authorization": f"Bearer {own.key}"}
    body = {**CHAT, "stream": True}
    with httpx.stream("POST", own.url + "/v1/chat/completions", json=body, headers=headers, timeout=10) as answer:
        assert next(answer.iter_bytes())
    deadline = time.monotonic() + 5
    cancelled = ""
    while time.monotonic() < deadline and cancelled != "1":
        cancelled = httpx.get(f"http://localhost:{own.ports['home']}/cancelled").text
        time.sleep(0.1)
    assert cancelled == "1"


def test_a_wrong_signature_or_a_missing_key_is_told_before_it_starts(own: Lab, tmp_path: Path) -> None:
    own.stop()
    key = tmp_path / "signing.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
    public = subprocess.run(["openssl", "pkey", "-in", str(key), "-pubout"], check=True, capture_output=True).stdout
    (tmp_path / "public.pem").write_bytes(public)
    settings = yaml.safe_load(own.settings.read_text())
    own.settings.write_text(yaml.safe_dump({**settings, "signer": str(tmp_path / "public.pem")}))
    argv = [sys.executable, "-m", "decision_layer"]
    serve = [*argv, "serve", "--settings", str(own.settings)]
    unsigned = subprocess.run(serve, capture_output=True, text=True, check=False, timeout=20)
    assert (unsigned.returncode, "its signature cannot be read" in unsigned.stderr) == (3, True)
    assert subprocess.run([*argv, "sign", str(own.policy), "--key", str(key)], check=False).returncode == 0
    own.start()
    own.stop()
    own.policy.write_text(own.policy.read_text().replace("version: 1", "version: 2"))
    changed = subprocess.run(serve, capture_output=True, text=True, check=False, timeout=20)
    assert (changed.returncode, "it is not what was signed" in changed.stderr) == (3, True)
    own.settings.write_text(yaml.safe_dump(settings))
    (own.folder / "credentials" / "mistral").unlink()
    missing = subprocess.run(serve, capture_output=True, text=True, check=False, timeout=20)
    assert (missing.returncode, "the key mistral cannot be read" in missing.stderr) == (2, True)

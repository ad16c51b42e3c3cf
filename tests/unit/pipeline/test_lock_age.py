"""A new file of upstream waits for a week; upstream's signature is verified where gpg and the key are there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from shutil import which
from typing import Any

import httpx
import pytest
import yaml

from provision.catalog import node_artifacts
from provision.errors import ExitCode, SetupError, UsageError
from provision.models.artifact import Signature
from provision.pipeline import lock
from provision.pipeline.lock_signature import verify_signature
from tests.unit.pipeline.test_lock import SHA256
from tests.unit.pipeline.upstream import CONTENT, NEWER, Upstream, publish, serve_upstream, write_shipped

# A day from the limit: the tests may run an hour after this is read.
YOUNG = datetime.now(UTC) - timedelta(days=6)
OLD = datetime.now(UTC) - timedelta(days=7, hours=1)


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "node-artifacts.yml"
    monkeypatch.setattr(node_artifacts, "SHIPPED", (path,))
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(lock, "_TIMEOUT", httpx.Timeout(0.5))
    return path


@pytest.fixture
def upstream(shipped: Path) -> Iterator[Upstream]:
    with serve_upstream() as server:
        publish(server, "1.0", CONTENT)
        publish(server, "2.0", NEWER)
        write_shipped(shipped, server.url, pinned=CONTENT)
        yield server


def test_young_version_is_kept_back_until_somebody_says_why_not(upstream: Upstream) -> None:
    upstream.last_modified = format_datetime(YOUNG, usegmt=True)
    (error,) = lock.update_lock("driver", "2.0").errors
    assert "kept back" in error.what
    assert f"{YOUNG:%Y-%m-%d}" in error.what
    assert "--allow-young REASON" in error.hint
    assert error.exit_code == ExitCode.SETUP_BROKEN
    assert not lock.overlay_file().exists()
    done = lock.update_lock("driver", "2.0", "it mends CVE-1")
    assert [(change.outcome, change.published) for change in done.changes] == [("replaced", YOUNG.date())]
    entry = json.loads(lock.overlay_file().read_text())["driver"]
    assert entry["sources"][0].endswith("taken without waiting for 7 days: it mends CVE-1")
    assert entry["published"] == f"{YOUNG:%Y-%m-%d}"


@pytest.mark.parametrize(("moment", "taken"), [(OLD, True), (YOUNG, False), (None, False)])
def test_a_week_is_a_week_and_an_unknown_age_is_none(upstream: Upstream, moment: datetime | None, taken: bool) -> None:
    upstream.last_modified = format_datetime(moment, usegmt=True) if moment else ""
    done = lock.update_lock("driver", "2.0")
    assert (len(done.changes), len(done.errors)) == ((1, 0) if taken else (0, 1))


def test_pin_that_is_only_confirmed_may_be_young(upstream: Upstream) -> None:
    upstream.last_modified = format_datetime(YOUNG, usegmt=True)
    assert [change.outcome for change in lock.update_lock("driver").changes] == ["confirmed"]


@pytest.mark.parametrize(
    ("form", "listed"),
    [
        ("github", {"published_at": "%O", "assets": [{"updated_at": "%Y"}]}),
        ("github", {"published_at": "%Y", "assets": [{"updated_at": "%O"}]}),
        ("huggingface", [{"lastCommit": {"date": "%Y"}}]),
    ],
    ids=["asset replaced later", "young release", "young commit"],
)
def test_lists_that_tell_a_date_are_believed_before_the_server(
    upstream: Upstream, shipped: Path, form: str, listed: Any
) -> None:
    """The server's own date is years back."""
    write_shipped(shipped, upstream.url)
    entries = yaml.safe_load(shipped.read_text())
    entries["driver"]["resolve"] = {"url": f"{upstream.url}/1.0/list", "format": form}
    shipped.write_text(yaml.safe_dump({"driver": entries["driver"]}))
    file = {"name": "driver-1.0.run", "path": "driver-1.0.run", "digest": f"sha256:{SHA256}", "lfs": {"oid": SHA256}}
    for known in listed["assets"] if form == "github" else listed:
        known |= file
    text = json.dumps(listed)
    upstream.files["/1.0/list"] = text.replace("%Y", YOUNG.isoformat()).replace("%O", OLD.isoformat()).encode()
    (error,) = lock.update_lock("driver").errors
    assert f"published on {YOUNG:%Y-%m-%d}" in error.what
    upstream.files["/1.0/list"] = text.replace("%Y", OLD.isoformat()).replace("%O", OLD.isoformat()).encode()
    assert [change.published for change in lock.update_lock("driver").changes] == [OLD.date()]


def test_reason_needs_a_name(upstream: Upstream) -> None:
    for name, reason in ((None, "because"), ("driver", " ")):
        with pytest.raises(UsageError, match="allow-young"):
            lock.update_lock(name, None, reason)


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, bytes]]:
    """A key of this test's own keyring, and its signature of CONTENT."""
    gpg = which("gpg")
    if gpg is None:
        pytest.skip("gpg is not installed")
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))

    def run(*words: str, given: bytes = b"") -> str:
        argv = [gpg, "--batch", "--pinentry-mode", "loopback", "--passphrase", "", *words]
        return subprocess.run(argv, input=given, capture_output=True, check=True).stdout.decode("latin-1")

    run("--quick-gen-key", "upstream@example", "ed25519", "sign", "never")
    listed = run("--list-keys", "--with-colons")
    key = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
    signature = run("--detach-sign", given=CONTENT).encode("latin-1")
    yield key, signature
    subprocess.run(["gpgconf", "--kill", "all"], check=False)


def judge(key: str, content: bytes, signature: bytes) -> str:
    known = Signature(kind="gpg", url="http://upstream/list.asc", keys=("0" * 40, key), source="this test")
    return verify_signature(known, content, lambda _: signature)


def test_signature_is_verified_by_the_pinned_key_alone(
    signed: tuple[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, signature = signed
    assert judge(key, CONTENT, signature) == "verified"
    with pytest.raises(SetupError, match="signature of upstream's list is wrong"):
        judge(key, CONTENT + b"x", signature)
    with pytest.raises(SetupError, match=f"made by {key}"):
        judge("1" * 40, CONTENT, signature)
    other = tmp_path / "empty"
    other.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(other))
    assert judge(key, CONTENT, signature).startswith("not verified: this machine's keyring lacks")
    assert judge(key, CONTENT, b"no signature").startswith("not verified")


def test_without_the_tool_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert judge("1" * 40, CONTENT, b"") == "not verified: gpg is not installed"
    assert verify_signature(None, CONTENT, lambda _: b"") == "none known"


def test_wrong_signature_of_the_list_stops_an_update(
    upstream: Upstream, shipped: Path, signed: tuple[str, bytes]
) -> None:
    entries = yaml.safe_load(shipped.read_text())
    entries["driver"]["signature"] = {
        "kind": "gpg", "url": f"{upstream.url}/list.sig", "keys": [signed[0]], "source": "this test",
    }  # fmt: skip
    shipped.write_text(yaml.safe_dump(entries))
    upstream.files["/list.sig"] = signed[1]
    (error,) = lock.update_lock("driver").errors
    assert "signature" in error.what
    assert not lock.overlay_file().exists()

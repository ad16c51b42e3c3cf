"""The commands as people call them: what they print and how they end."""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import io
import itertools
import json
import sqlite3
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from decision_layer.audit import audit_cli, canonical, export, verified
from decision_layer.audit.reader import Found, LogReader
from decision_layer.audit.sqlite import SqliteBackend
from tests.audit import mutations
from tests.audit.samples import KEYS, decision, fill
from tests.audit.touched import SqliteLog


@pytest.fixture
def home(tmp_path: Path) -> Path:
    asyncio.run(fill(SqliteBackend(tmp_path / "log"), tmp_path / "second", rounds=2))
    (tmp_path / "key").write_text(hashlib.sha256(b"a test's audit key").hexdigest() + "\n")
    return tmp_path


def _run(home: Path, *words: str, second: bool = True) -> int:
    parser = argparse.ArgumentParser()
    audit_cli.add_parser(parser.add_subparsers())
    places = ["--directory", str(home / "log"), *(["--second-place", str(home / "second")] if second else [])]
    args = parser.parse_args(["audit", words[0], *places, *words[1:]])
    code: int = args.run(args)
    return code


def test_verify(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(home, "verify", "--key", str(home / "key")) == 0
    assert capsys.readouterr().out.startswith("whole: 29 entries, 29 under 3 checkpoints in 2 places, 29 with a good")
    public = KEYS.signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    assert _run(home, "verify", "--public-key", public, second=False) == 0
    assert "1 place, no second place given" in capsys.readouterr().out
    mutations.restamp(SqliteLog(SqliteBackend(home / "log"), home / "second"), 5, "art9", "none")
    assert _run(home, "verify", "--public-key", public) == 1
    assert "re-stamped: " in capsys.readouterr().out


def test_what_verify_found_is_noted_for_the_metrics(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = home / "state" / verified.LAST
    words = ["verify", "--key", str(home / "key"), "--note", str(place)]
    assert verified.read(place) is None
    assert _run(home, *words) == 2
    assert "last.json" in capsys.readouterr().err
    place.parent.mkdir(parents=True)
    before = int(time.time())
    assert _run(home, *words) == 0
    found = verified.read(place)
    assert found
    assert (found.entries, found.troubles) == (29, 0)
    assert before <= found.at <= time.time()
    mutations.restamp(SqliteLog(SqliteBackend(home / "log"), home / "second"), 5, "art9", "none")
    assert _run(home, *words) == 1
    found = verified.read(place)
    assert found
    assert found.troubles > 0
    assert _run(home / "elsewhere", *words) == 2
    assert verified.read(place) == found, "what cannot be verified says nothing new"
    place.write_text("{")
    assert verified.read(place) is None


@pytest.mark.parametrize("words", [[], ["--key", "nowhere"], ["--public-key", "abc"]])
def test_verify_that_cannot_be_done(home: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(home, "verify", *words) == 2
    assert "hint: " in capsys.readouterr().err


def test_verify_of_a_wrong_directory(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(home / "other", "verify", "--key", str(home / "key")) == 2
    assert "neither a log nor a checkpoint" in capsys.readouterr().err


def test_verify_of_a_log_that_cannot_be_opened_is_no_finding(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    away = (home / "away").as_uri()
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *_, **more: real(f"{away}?mode=ro", **more))
    assert _run(home, "verify", "--key", str(home / "key")) == 2
    assert "unable to open" in capsys.readouterr().err


def test_export_holds_what_was_hashed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(home, "export") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 29
    for before, line in itertools.pairwise(lines):
        assert line["prev_hash"] == before["hash"]
        assert hashlib.sha256(canonical.encode_plain(line["entry"])).hexdigest() == line["body_sha256"]
    assert "the input" not in str(lines)


def test_export_as_a_table(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(home, "export", "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 12
    assert {row["findings"] for row in rows} == {"iban:2 art9.health:1"}
    assert {(row["model"], row["status"], row["hops"]) for row in rows} == {("home", "200", "home:200")}


def test_a_cell_is_no_formula() -> None:
    entry = decision(explicit_label='=HYPERLINK("x")')
    out = io.StringIO()
    body = canonical.encode(entry)
    row = Found(1, "decision", entry.record_id, 0, b"", b"", None, body, None)
    assert export.table([row], out) == 1
    assert next(csv.DictReader(io.StringIO(out.getvalue())))["explicit_label"] == '\'=HYPERLINK("x")'


def test_show_and_erase(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    record_id = next(row.record_id for row in LogReader(SqliteBackend(home / "log")).after(0) if row.sealed)
    assert _run(home, "show", record_id, "--key", str(home / "key")) == 0
    shown = capsys.readouterr().out
    assert '"effective_class": "art9"' in shown
    assert f'"subject":"{KEYS.pseudonym("subject 2")}"' in shown
    monkeypatch.setattr("sys.stdin", io.StringIO("Subject 2\n"))
    assert _run(home, "erase", "--key", str(home / "key"), "--by", "dpo") == 0
    assert "of 2 entries" in capsys.readouterr().out
    assert _run(home, "show", record_id, "--key", str(home / "key")) == 0
    assert "subject" not in capsys.readouterr().out
    assert _run(home, "verify", "--key", str(home / "key")) == 0
    assert "not covered" not in capsys.readouterr().out
    assert _run(home, "show", "nothing") == 1


def test_retain(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(home, "retain", "--key", str(home / "key"), "--by", "timer") == 0
    assert "0 entries" in capsys.readouterr().out
    assert _run(home, "retain", "--key", str(home / "key"), "--by", "timer", "--days", "1") == 2

"""`provision lock`: exit codes, table and JSON, three-line errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.catalog import node_artifacts
from provision.cli.main import run
from provision.pipeline.lock import overlay_file
from tests.unit.pipeline.upstream import CONTENT, publish, serve_upstream, write_shipped

Captured = pytest.CaptureFixture[str]
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "node-artifacts.yml"
    monkeypatch.setattr(node_artifacts, "SHIPPED", (path,))
    return path


@pytest.mark.parametrize("arguments", [["lock"], ["lock", "--check"], ["lock", "nvidia-driver"]])
def test_what_is_shipped_is_shown_with_its_source_and_writes_nothing(arguments: list[str], capsys: Captured) -> None:
    assert run(arguments) == 0
    shown = capsys.readouterr().out
    assert "void-linux/void-packages" in shown
    assert ("debian-12-standard" in shown) is (arguments[-1] != "nvidia-driver")
    assert not overlay_file().parent.exists()


def test_json_has_all_of_it(capsys: Captured) -> None:
    assert run(["lock", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    images = [e for e in entries if "digest" in e]
    files = [e for e in entries if "digest" not in e]
    assert all(len(e["checksum"]["hex"]) in {64, 128} and e["sources"] and e["resolve"]["url"] for e in files)
    assert {e["name"] for e in images} >= {"langfuse", "langfuse-worker", "langfuse-clickhouse"}
    assert all(len(e["digest"]) == 71 and e["sources"] for e in images)


def test_exit_1_and_the_next_step_where_one_is_not_pinned(shipped: Path, capsys: Captured) -> None:
    write_shipped(shipped, NOBODY)
    assert run(["lock"]) == 1
    shown = capsys.readouterr().out
    assert "Not pinned: driver, template" in shown
    assert "provision lock --update" in shown
    assert run(["lock", "--json"]) == 1
    entries = json.loads(capsys.readouterr().out)
    assert [entry["status"] for entry in entries if "digest" not in entry] == ["unresolved", "unresolved"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["lock", "nvidia"], 2, "nvidia-driver"),
        (["lock", "--check", "--update"], 2, "do not go together"),
        (["lock", "nvidia-driver", "--pin", "1"], 2, "--update"),
        (["lock", "--update", "--pin", "1"], 2, "needs a name"),
        (["lock", "--update", "nvidia-driver", "--pin", "../x"], 2, "is no version"),
    ],
)
def test_misuse_is_explained(arguments: list[str], code: int, words: str, capsys: Captured) -> None:
    assert run(arguments) == code
    shown = capsys.readouterr().err
    assert words in shown
    assert "Traceback" not in shown


def test_update_shows_the_difference_and_the_lock_is_whole_after_it(shipped: Path, capsys: Captured) -> None:
    with serve_upstream() as upstream:
        publish(upstream, "1.0", CONTENT)
        write_shipped(shipped, upstream.url)
        assert run(["lock", "--update"]) == 0
        shown = capsys.readouterr().out
        assert shown.count("filled") == 2
        assert str(len(CONTENT)) in shown
        assert run(["lock"]) == 0
        capsys.readouterr()
        assert run(["lock", "--update", "driver", "--json"]) == 0
        assert [change["outcome"] for change in json.loads(capsys.readouterr().out)] == ["confirmed"]


def test_update_that_fails_in_part_shows_both_and_exits_7(shipped: Path, capsys: Captured) -> None:
    with serve_upstream() as upstream:
        publish(upstream, "1.0", CONTENT)
        del upstream.files["/aplinfo.dat"]
        write_shipped(shipped, upstream.url)
        assert run(["lock", "--update"]) == 7
    captured = capsys.readouterr()
    assert "filled" in captured.out
    assert "404" in captured.err
    assert "Hint" in captured.err
    assert run(["lock"]) == 1


def test_json_of_a_failed_update_is_one_document(shipped: Path, capsys: Captured) -> None:
    write_shipped(shipped, NOBODY)
    assert run(["lock", "--update", "--json"]) == 7
    assert len(json.loads(capsys.readouterr().out)["errors"]) == 2


def test_a_tampered_lock_stops_the_verb(shipped: Path, capsys: Captured) -> None:
    write_shipped(shipped, NOBODY, pinned=CONTENT)
    entry = node_artifacts.load_artifacts(None)["driver"].model_dump(mode="json")
    entry["checksum"]["hex"] = "0" * 64
    overlay_file().parent.mkdir()
    overlay_file().write_text(json.dumps({"driver": entry}))
    assert run(["lock"]) == 5
    shown = capsys.readouterr().err
    assert "changes the checksum" in shown
    assert "lock.json" in shown
    assert "Hint" in shown

"""The real module code, run in-process on a temporary folder with the running user's own names."""

from __future__ import annotations

import grp
import importlib.util
import json
import os
import pwd
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

MODULE = Path(__file__).parents[3] / "plugins" / "modules" / "provision_files.py"
ME = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}
CANARY = "canary-9f31c2\nsecond line"


@pytest.fixture(scope="module")
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("provision_files", MODULE)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def run(module: ModuleType, capsys: pytest.CaptureFixture[str]) -> Any:
    def run_module(check: bool = False, **wanted: Any) -> dict[str, Any]:
        for entry in [*wanted.get("files", []), *wanted.get("directories", [])]:
            for name, value in ME.items():
                entry.setdefault(name, value)
        arguments = {**wanted, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            module.main()
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return run_module


def test_second_run_changes_nothing(run: Any, tmp_path: Path) -> None:
    target = tmp_path / "made" / "a.conf"
    wanted: dict[str, Any] = {
        "directories": [{"path": str(target.parent), "mode": "0750"}],
        "files": [{"path": str(target), "content": "one", "mode": "0640"}],
        "links": [{"path": str(tmp_path / "current"), "target": str(target.parent)}],
    }
    first = run(**wanted)
    assert first["changed_paths"] == [str(target.parent), str(target), str(tmp_path / "current")]
    assert target.read_text() == "one\n"
    assert target.stat().st_mode & 0o7777 == 0o640
    before = target.stat().st_mtime_ns
    second = run(**wanted)
    assert second["changed"] is False
    assert second["changed_paths"] == []
    assert target.stat().st_mtime_ns == before


def test_drift_in_bytes_and_in_mode_is_found(run: Any, tmp_path: Path) -> None:
    target = tmp_path / "a"
    wanted = [{"path": str(target), "content": "one\n", "mode": "0600"}]
    run(files=wanted)
    target.chmod(0o644)
    assert run(files=wanted)["changed"] is True
    assert target.stat().st_mode & 0o7777 == 0o600
    target.write_text("two\n")
    answer = run(files=wanted)
    assert answer["diff"][0]["before"] == "two\n"
    assert answer["diff"][0]["after"] == "one\n"
    assert target.read_text() == "one\n"


def test_check_mode_reports_and_writes_nothing(run: Any, tmp_path: Path) -> None:
    target = tmp_path / "a"
    answer = run(check=True, files=[{"path": str(target), "content": "x", "owner": "no-such-user"}])
    assert answer["changed"] is True
    assert not target.exists()


def test_one_refused_file_leaves_all_untouched(run: Any, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad.unit"
    answer = run(
        files=[
            {"path": str(good), "content": "fine"},
            {"path": str(bad), "content": "broken", "validate": "grep -q fine %s"},
        ]
    )
    assert answer["failed"] is True
    assert str(bad) in answer["msg"]
    assert not good.exists()
    assert list(tmp_path.iterdir()) == []


def test_validator_sees_the_final_file_name(run: Any, tmp_path: Path) -> None:
    target = tmp_path / "a.service"
    validate = "sh -c 'case $1 in */a.service) grep -q x $1;; *) exit 3;; esac' - %s"
    assert "failed" not in run(files=[{"path": str(target), "content": "x", "validate": validate}])


def test_secret_shows_nowhere(run: Any, tmp_path: Path) -> None:
    target = tmp_path / "secret.env"
    answer = run(files=[{"path": str(target), "secret_content": CANARY, "mode": "0600"}])
    assert target.read_text() == CANARY + "\n"
    assert "canary" not in json.dumps(answer)
    refused = run(files=[{"path": str(target), "secret_content": CANARY + "2", "validate": "grep 9f31x %s"}])
    assert refused["failed"] is True
    loud = run(files=[{"path": str(target), "secret_content": CANARY + "3", "validate": "sh -c 'cat %s; exit 1'"}])
    assert loud["failed"] is True
    assert "canary" not in json.dumps([refused, loud])


def test_folder_in_the_way_is_refused(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for wanted in (
        {"files": [{"path": str(tmp_path / "a"), "content": "x"}]},
        {"links": [{"path": str(tmp_path / "a"), "target": "/nowhere"}]},
        {"absent": [str(tmp_path / "a")]},
    ):
        answer = run(**wanted)
        assert answer["failed"] is True
        assert str(tmp_path / "a") in answer["msg"]
    assert (tmp_path / "a").is_dir()


def test_link_in_the_way_is_replaced_not_followed(run: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("keep")
    (tmp_path / "a").symlink_to(outside)
    run(files=[{"path": str(tmp_path / "a"), "content": "mine"}])
    assert outside.read_text() == "keep"
    assert not (tmp_path / "a").is_symlink()


def test_failed_write_keeps_old_file_and_leaves_no_rest(
    run: Any, module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a"
    target.write_text("old\n")

    def full_disk(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full_disk)
    answer = run(files=[{"path": str(target), "content": "new"}])
    assert answer["failed"] is True
    assert "No space left" in answer["msg"]
    assert target.read_text() == "old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_absent_removes_once(run: Any, tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_text("")
    assert run(absent=[str(target)])["changed"] is True
    assert run(absent=[str(target)])["changed"] is False


def test_content_and_secret_together_are_refused(run: Any, tmp_path: Path) -> None:
    answer = run(files=[{"path": str(tmp_path / "a"), "content": "x", "secret_content": "longer-secret"}])
    assert answer["failed"] is True
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("validate", ["no-such-validator %s", "env no-such-validator %s"])
def test_missing_validator_fails_a_run_but_not_a_check(run: Any, tmp_path: Path, validate: str) -> None:
    wanted = [{"path": str(tmp_path / "a"), "content": "x", "validate": validate}]
    assert run(check=True, files=wanted)["changed"] is True
    assert run(files=wanted)["failed"] is True
    assert not (tmp_path / "a").exists()


def test_product_is_made_when_its_source_is_newer(run: Any, tmp_path: Path) -> None:
    source, product = tmp_path / "source", tmp_path / "product"
    source.write_text("1")
    rule = [{"product": str(product), "sources": [str(source)], "command": f"cp {source} {product}"}]
    assert run(check=True, derive=rule)["changed_paths"] == [str(product)]
    assert not product.exists()
    assert run(derive=rule)["changed"] is True
    assert run(derive=rule)["changed"] is False
    later = product.stat().st_mtime + 10
    os.utime(source, (later, later))
    assert run(derive=rule)["changed"] is True
    broken = [{"product": str(tmp_path / "none"), "command": "false"}]
    assert run(derive=broken)["failed"] is True

"""Decisions of provision_unit on what systemd 252 says; real units are tested by molecule."""

from __future__ import annotations

import importlib.util
import os
import socket
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.stand_ins.faulty_server import closed_port, serve_faulty

MODULE = Path(__file__).parents[3] / "plugins" / "modules" / "provision_unit.py"
START = "Sun 2026-11-22 03:10:12.500000 UTC"
START_SECONDS = 1795317012.5


@pytest.fixture(scope="module")
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("provision_unit", MODULE)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def make_unit(**changes: str) -> dict[str, str]:
    return {
        "LoadState": "loaded",
        "ActiveState": "active",
        "UnitFileState": "enabled",
        "NeedDaemonReload": "no",
        "FragmentPath": "/nonexistent/a.service",
        "DropInPaths": "",
        "InactiveExitTimestamp": START,
        "StateChangeTimestamp": START,
        **changes,
    }


def make_wish(**changes: Any) -> dict[str, Any]:
    return {"name": "a.service", "enabled": True, "watch": [], "reload_watch": [], "effect": None, **changes}


def touch(path: Path, moment: float) -> str:
    path.touch()
    os.utime(path, (moment, moment))
    return str(path)


def test_moment_is_read_to_the_microsecond(module: ModuleType) -> None:
    assert module.parse_moment(START) == START_SECONDS
    assert module.parse_moment("n/a") == 0.0
    assert module.parse_moment("") == 0.0


def test_nothing_to_do(module: ModuleType, tmp_path: Path) -> None:
    older = touch(tmp_path / "a", START_SECONDS - 1)
    assert module.choose_actions(make_wish(watch=[older, "/missing"]), make_unit()) == ([], [])


@pytest.mark.parametrize("place", ["watch", "drop-in", "fragment"])
def test_newer_file_restarts(module: ModuleType, tmp_path: Path, place: str) -> None:
    newer = touch(tmp_path / "a", START_SECONDS + 0.1)
    wish = make_wish(watch=[newer] if place == "watch" else [])
    unit = make_unit(
        DropInPaths=newer if place == "drop-in" else "",
        FragmentPath=newer if place == "fragment" else "/missing",
    )
    assert module.choose_actions(wish, unit) == (["restart"], [newer])


def test_switched_link_restarts_although_its_target_is_old(module: ModuleType, tmp_path: Path) -> None:
    old = touch(tmp_path / "release", START_SECONDS - 100)
    link = tmp_path / "current"
    link.symlink_to(old)
    os.utime(link, (START_SECONDS + 5, START_SECONDS + 5), follow_symlinks=False)
    assert module.choose_actions(make_wish(watch=[str(link)]), make_unit()) == (["restart"], [str(link)])


def test_reload_only_until_it_was_reloaded(module: ModuleType, tmp_path: Path) -> None:
    newer = touch(tmp_path / "a", START_SECONDS + 1)
    wish = make_wish(reload_watch=[newer])
    assert module.choose_actions(wish, make_unit()) == (["reload"], [newer])
    reloaded = make_unit(StateChangeTimestamp="Sun 2026-11-22 03:10:20.000000 UTC")
    assert module.choose_actions(wish, reloaded) == ([], [])


def test_stopped_unit_is_enabled_and_started(module: ModuleType) -> None:
    unit = make_unit(ActiveState="failed", UnitFileState="disabled", InactiveExitTimestamp="")
    assert module.choose_actions(make_wish(), unit) == (["enable", "start"], [])


def test_static_unit_is_not_enabled(module: ModuleType) -> None:
    assert module.choose_actions(make_wish(), make_unit(UnitFileState="static")) == ([], [])


def test_ready_asks_the_port(module: ModuleType) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert module.is_ready({"ready_tcp": f"127.0.0.1:{port}", "ready_url": None})
    assert not module.is_ready({"ready_tcp": f"127.0.0.1:{port}", "ready_url": None})
    assert not module.is_ready({"ready_tcp": None, "ready_url": f"http://127.0.0.1:{port}/"})


def test_failed_unit_ends_the_wait_at_once(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "read_unit", lambda _name: {"ActiveState": "failed"})
    monkeypatch.setattr(module, "read_journal", lambda _name: "boom")
    wish = make_wish(ready_tcp="127.0.0.1:1", ready_url=None, ready_seconds=3600)
    with pytest.raises(module.Refused, match=r"failed.*\nboom"):
        module.wait_until_ready(wish, 3600)


def test_silent_release_is_given_up_long_before_one_that_loads(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "read_unit", lambda _name: {"ActiveState": "active"})
    monkeypatch.setattr(module, "read_journal", lambda _name: "")
    wish = make_wish(ready_tcp=None, ready_url=f"http://127.0.0.1:{closed_port()}/health")
    with pytest.raises(module.Refused, match="gave no answer for 0 s"):
        module.wait_until_ready(wish, 3600, 0)
    with serve_faulty(b"") as loading:
        loading.fault = "503"
        with pytest.raises(module.Refused, match="not ready after 1 s"):
            module.wait_until_ready({**wish, "ready_url": loading.url}, 1, 0)


def test_missing_need_is_named(module: ModuleType) -> None:
    wish = make_wish(needs_tcp=["127.0.0.1:1"], needs_seconds=0)
    with pytest.raises(module.Refused, match=r"a\.service needs 127\.0\.0\.1:1"):
        module.wait_for_needs(wish)


@pytest.mark.parametrize(("folder", "unit"), [("a.service.d", "a.service"), ("a@.service.d", "a@1-b.service")])
def test_drop_in_that_systemd_does_not_know_yet_is_read(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, unit: str
) -> None:
    drop_in = tmp_path / folder / "x.conf"
    drop_in.parent.mkdir()
    drop_in.touch()
    calls: list[str] = []
    known = iter([make_unit(), make_unit(DropInPaths=str(drop_in)), make_unit(DropInPaths=str(drop_in))])
    monkeypatch.setattr(module, "UNIT_FOLDER", tmp_path)
    monkeypatch.setattr(module, "read_unit", lambda _name: next(known))
    monkeypatch.setattr(module, "call_systemctl", lambda *words: calls.append(words[0]))
    assert module.refresh_unit(unit, dry=False)[1] == ["daemon-reload"]
    assert calls == ["daemon-reload"]
    assert module.refresh_unit(unit, dry=False)[1] == []


def test_effect_undone_by_hand_reloads(module: ModuleType) -> None:
    assert module.choose_actions(make_wish(effect="false"), make_unit()) == (["reload"], ["false"])
    assert module.choose_actions(make_wish(effect="true"), make_unit()) == ([], [])

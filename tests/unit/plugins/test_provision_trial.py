"""A release that never answered gives way to the last one that did; who did answer is noted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def module(load_plugin: Callable[[str, str], ModuleType]) -> ModuleType:
    load_plugin("module_utils", "provision_trial")
    return load_plugin("modules", "provision_unit")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "thing"
    for release in ("old", "new"):
        (home / "releases" / release).mkdir(parents=True)
        (home / "releases" / release / ".complete").touch()
    switch(home, "old")
    return home


def switch(home: Path, release: str) -> None:
    (home / "current").unlink(missing_ok=True)
    (home / "current").symlink_to(Path("releases") / release)


class Units:
    """What systemctl was told, and which release is ready."""

    def __init__(self, home: Path, healthy: set[str]) -> None:
        self.home, self.healthy = home, healthy
        self.verbs: list[str] = []

    def call(self, verb: str, *_: str) -> str:
        self.verbs.append(f"{verb} {(self.home / 'current').readlink().name}")
        return "ActiveState=active"

    def is_ready(self, _: dict[str, Any]) -> bool:
        return (self.home / "current").readlink().name in self.healthy


@pytest.fixture
def bring_up(module: ModuleType, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Units]:
    def run(*actions: str, healthy: set[str]) -> Units:
        units = Units(home, healthy)
        monkeypatch.setattr(module, "call_systemctl", units.call)
        monkeypatch.setattr(module, "is_ready", units.is_ready)
        monkeypatch.setattr(module, "read_journal", lambda _: "its last words")
        wanted: dict[str, Any] = {
            "name": "thing.service", "release": str(home), "database": None, "needs_tcp": [], "needs_seconds": 0,
            "ready_tcp": None, "ready_url": "http://thing/", "ready_seconds": 0, "trial_seconds": 0,
            "silent_seconds": None,
        }  # fmt: skip
        module.bring_up(wanted, list(actions))
        return units

    return run


def test_release_that_answers_is_the_one_to_go_back_to(bring_up: Callable[..., Units], home: Path) -> None:
    bring_up("start", healthy={"old"})
    assert (home / ".proven").read_text() == "old\n"
    switch(home, "new")
    assert bring_up("restart", healthy={"old", "new"}).verbs[0] == "stop new"
    assert (home / ".proven").read_text() == "new\n"


@pytest.mark.parametrize("actions", [("restart",), ()], ids=["first start", "after a run that was killed"])
def test_release_that_does_not_answer_gives_way(
    bring_up: Callable[..., Units], module: ModuleType, home: Path, actions: tuple[str, ...]
) -> None:
    bring_up("start", healthy={"old"})
    switch(home, "new")
    with pytest.raises(
        module.Refused, match=r"release new of thing\.service was switched back to old, which answers\."
    ):
        bring_up(*actions, healthy={"old"})
    assert (home / "current").readlink().name == "old"
    assert (home / ".proven").read_text() == "old\n"


def test_first_release_has_nothing_to_go_back_to(bring_up: Callable[..., Units], module: ModuleType) -> None:
    with pytest.raises(module.Refused, match="was not ready"):
        bring_up("start", healthy=set())


def test_proven_release_that_stops_answering_is_no_trial(
    bring_up: Callable[..., Units], module: ModuleType, home: Path
) -> None:
    bring_up("start", healthy={"old"})
    with pytest.raises(module.Refused, match="was not ready"):
        bring_up("restart", healthy=set())
    assert (home / "current").readlink().name == "old"


def test_release_that_is_gone_is_none_to_go_back_to(
    bring_up: Callable[..., Units], module: ModuleType, home: Path
) -> None:
    bring_up("start", healthy={"old"})
    (home / "releases" / "old" / ".complete").unlink()
    switch(home, "new")
    with pytest.raises(module.Refused, match="was not ready"):
        bring_up("restart", healthy={"old"})
    assert (home / "current").readlink().name == "new"


def test_both_not_answering_is_told_and_the_former_stays(
    bring_up: Callable[..., Units], module: ModuleType, home: Path
) -> None:
    bring_up("start", healthy={"old"})
    switch(home, "new")
    with pytest.raises(module.Refused, match="switched back to old, which does not answer either"):
        bring_up("restart", healthy=set())
    assert (home / "current").readlink().name == "old"

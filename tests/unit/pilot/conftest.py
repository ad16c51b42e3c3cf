from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stand_ins.openai_server import StandIn, serve


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PROVISION_CACHE", str(tmp_path / "cache"))


def answer(asked: str, body: object) -> str:
    return "It is Paris, of course." if "capital" in asked else f"An answer to: {asked}"


def mark(asked: str, body: object) -> str:
    return 'Here: {"score": 8, "reason": "polite"}'


@pytest.fixture
def home() -> Iterator[StandIn]:
    with serve(StandIn(models=("chat",), reply=answer)) as server:
        yield server


@pytest.fixture
def judge() -> Iterator[StandIn]:
    with serve(StandIn(models=("chat",), reply=mark)) as server:
        yield server


@pytest.fixture
def gateway() -> Iterator[StandIn]:
    zones = {"chat": "home", "opus": "us-cloud"}
    with serve(StandIn(models=("auto", "chat", "opus"), reply=answer, gateway=True, zones=zones)) as server:
        yield server

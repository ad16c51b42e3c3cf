"""A question asked on a machine: its answer, or why there is none. The shell here stands for the machine."""

from __future__ import annotations

from typing import cast

import pytest

from provision.models.observation_web import VectorStoreObservation
from provision.models.plan import Plan
from provision.pipeline import machine_question
from provision.pipeline.machine_question import ask_machine

PLAN = cast("Plan", None)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """ssh hands the machine's shell one line; so does this, and no ssh is needed."""
    monkeypatch.setattr(machine_question, "ssh_to", lambda _plan, _machine, words: ("sh", "-c", *words))


def ask(script: str, limit_s: float = 10) -> VectorStoreObservation:
    return ask_machine(PLAN, "data", ("sh", "-c", script), "it's a key", VectorStoreObservation, limit_s)


def test_the_answer_is_read_and_the_key_comes_by_standard_input() -> None:
    assert ask("""read key; printf '{"title": "%s"}' "$key" """).title == "it's a key"


def test_what_the_machine_says_instead_is_told() -> None:
    assert ask("echo no such program >&2; exit 127").error == "its machine said: no such program"
    assert ask("true").error == "its machine said: nothing"


def test_a_machine_that_does_not_end_is_told() -> None:
    assert "timed out" in ask("exec sleep 5", 0.2).error

"""Answers to begin with, and the rules."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provision.advise import Rulebook, load_rulebook
from provision.models.advice import Answers

Make = Callable[..., Answers]


@pytest.fixture(scope="session")
def book() -> Rulebook:
    return load_rulebook()


@pytest.fixture
def make() -> Make:
    """A law firm's answers, with changes."""

    def build(*cases: tuple[str, str, tuple[str, ...]], **changes: object) -> Answers:
        listed = cases or (("review", "contract_review", ("confidential",)), ("news", "research", ("public",)))
        given: dict[str, object] = {
            "people": 15,
            "operations": "in_house",
            "site": "on_premises",
            "customers_ask": False,
            "on_premises_required": False,
            "pilot": "not_run",
            "use_cases": [{"name": name, "workload": work, "data": data} for name, work, data in listed],
        }
        return Answers.model_validate(given | changes)

    return build

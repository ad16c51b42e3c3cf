"""No text makes detection slow out of proportion. bench/bench_detect.py prints the times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module

import pytest

from bench.bench_detect import CORPUS, best_ms

try:
    from re import _constants as constants  # type: ignore[attr-defined]
    from re import _parser as parser  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover
    raise

MODULES = (
    "blobs",
    "contact",
    "context",
    "dates",
    "digits",
    "implied",
    "letters",
    "lexicon",
    "matches",
    "normalise",
    "phones",
    "seams",
    "secrets",
    "sentences",
    "wide",
)


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_four_times_the_length_takes_about_four_times_as_long(name: str) -> None:
    """A quadratic detector takes sixteen times as long; a busy machine gets three tries."""
    make = CORPUS[name]
    ratios = []
    for _ in range(3):
        ratios.append(best_ms(make(16384), 3) / best_ms(make(4096), 5))
        if ratios[-1] < 6:
            return
    pytest.fail(f"ratios {ratios}")


def _patterns() -> Iterator[tuple[str, str]]:
    for module in MODULES:
        for name, value in vars(import_module(f"decision_layer.detect.{module}")).items():
            if isinstance(value, re.Pattern) and value.pattern not in ("",):
                yield f"{module}.{name}", value.pattern


def _nested(items: object, inside: bool = False) -> bool:
    """Whether an unbounded repetition stands in another unbounded one without a fixed character between them."""
    for op, argument in items:  # type: ignore[attr-defined]
        if op in (constants.MAX_REPEAT, constants.MIN_REPEAT):
            _, most, body = argument
            unbounded = most == constants.MAXREPEAT
            if unbounded and inside:
                return True
            fixed = any(o in (constants.LITERAL, constants.IN) for o, _ in body) and len(body) > 1
            if _nested(body, inside or (unbounded and not fixed)):
                return True
        elif op is constants.SUBPATTERN:
            if _nested(argument[-1], inside):
                return True
        elif op is constants.BRANCH and any(_nested(branch, inside) for branch in argument[1]):
            return True
    return False


@pytest.mark.parametrize(("name", "pattern"), sorted(_patterns()))
def test_no_pattern_repeats_a_repetition(name: str, pattern: str) -> None:
    assert not _nested(parser.parse(pattern, re.IGNORECASE)), name


@pytest.mark.parametrize("pattern", ["(a+)+b", "(?:a*)*", "(a|b+)+", "((x*)y?)*"])
def test_the_check_finds_the_classical_ones(pattern: str) -> None:
    assert _nested(parser.parse(pattern))

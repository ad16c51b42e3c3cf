"""No text makes detection slow out of proportion. bench/bench_detect.py prints the times."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from importlib import import_module

import pytest

from bench.bench_detect import CORPUS, _repeat, best_ms
from decision_layer.walk.media import within

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


UNITS = {
    "amounts": "1,",
    "groups of four": "4111,1111;",
    "cpr almost": "070761,4286 ",
    "iban heads by commas": "D,E,8,9,",
    "iban groups almost": "DE89,3704,0044,0532,0130,01 ",
    "percent of percent": "%25",
    "percent in layers": "%2525252541",
    "quoted-printable": "=41",
    "octal": "\\101",
    "braces": "\\u{41}",
    "base64 in lines": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\n",
    "hexadecimal": "4a",
    "base32": "MFRGG",
    "marks": "1\u0336",
    "circles": "\u2776",
}
CORPUS = {**CORPUS, **{name: _repeat(unit) for name, unit in UNITS.items()}}


@pytest.mark.parametrize("unit", ["data:", "data:a/b;", "data:a/b;c=d;", *sorted(UNITS.values())])
def test_files_in_texts_are_looked_for_in_linear_time(unit: str) -> None:
    ratios = []
    for _ in range(6):
        ratios.append(_seconds((unit * 65536)[:65536]) / _seconds((unit * 16384)[:16384]))
        if ratios[-1] < 6:
            return
    pytest.fail(f"ratios {ratios}")


def _seconds(text: str) -> float:
    best = float("inf")
    for _ in range(5):
        begin = time.process_time()
        within(text)
        best = min(best, time.process_time() - begin)
    return best


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

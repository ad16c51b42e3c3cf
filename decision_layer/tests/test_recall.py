"""The labelled texts: their form, and that recall and false escalation hold. bench/bench_recall.py prints them."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.bench_recall import DATA, load, measure, wilson
from tests.synthetic import rows
from training.corpus import labelled

ROWS = load(sorted(DATA.glob("*.jsonl")))
UNSEEN = load(sorted((DATA / "held_out").glob("tenth_*.jsonl")))


def test_form_and_number() -> None:
    assert len(ROWS) >= 600
    assert len({row["text"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert set(row) == {"text", "lang", "kinds", "hard_negative", "split"}
        assert row["lang"] in ("en", "de", "da")
        assert row["split"] in ("dev", "test")
        assert row["hard_negative"] is (row["kinds"] == [])


def test_languages_are_balanced() -> None:
    for subset in (ROWS, [r for r in ROWS if r["hard_negative"]]):
        shares = Counter(row["lang"] for row in subset)
        assert max(shares.values()) <= 1.3 * min(shares.values())


def test_identifiers_file_is_what_the_generator_makes() -> None:
    assert load([DATA / "identifiers.jsonl"]) == rows()


@pytest.mark.parametrize("split", ["dev", "test"])
def test_recall_and_false_escalation(split: str) -> None:
    kinds, (escalated, negatives), _ = measure([row for row in ROWS if row["split"] == split])
    identifiers = {kind: v for kind, v in kinds.items() if not kind.startswith(("art", "secrecy"))}
    assert all(hits == total for hits, total in identifiers.values()), identifiers
    special = [v for kind, v in kinds.items() if kind.startswith("art9")]
    assert sum(h for h, _ in special) / sum(t for _, t in special) >= 0.95
    assert escalated / negatives <= 0.10


def test_unseen_texts_are_as_many_in_each_language_half_of_them_negative() -> None:
    assert Counter((row["lang"], row["hard_negative"]) for row in UNSEEN) == Counter(
        {(lang, negative): 52 for lang in ("en", "de", "da") for negative in (True, False)}
    )


def test_no_training_text_resembles_an_unseen_one() -> None:
    unseen = [set(row["text"].lower().split()) for row in UNSEEN]
    for row in labelled():
        words = set(row.text.lower().split())
        assert all(len(words & other) <= 0.5 * len(words | other) for other in unseen), row.text


def test_unseen_recall_and_false_escalation() -> None:
    """What was reached on texts that nothing was made from, not what is wanted (95 % and 10 %): docs/detectors.md."""
    kinds, (escalated, negatives), _ = measure(UNSEEN)
    special = [v for kind, v in kinds.items() if kind.startswith("art9")]
    assert sum(h for h, _ in special) / sum(t for _, t in special) >= 0.87
    assert escalated / negatives <= 0.11


def test_wilson_interval() -> None:
    low, high = wilson(95, 100)
    assert (round(low, 3), round(high, 3)) == (0.888, 0.978)
    assert wilson(0, 0) == (0.0, 1.0)

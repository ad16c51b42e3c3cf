"""The labelled texts: their form, and that recall and false escalation hold. bench/bench_recall.py prints them."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.bench_recall import DATA, load, measure, wilson
from tests.synthetic import rows
from training.corpus import UNSEEN, Labelled, labelled

ROWS = load(sorted(DATA.glob("*.jsonl")))
TENTH = load(sorted((DATA / "held_out").glob("tenth_*.jsonl")))


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


def test_tenth_batch_is_even_in_languages_half_of_it_negative() -> None:
    assert Counter((row["lang"], row["hard_negative"]) for row in TENTH) == Counter(
        {(lang, negative): 52 for lang in ("en", "de", "da") for negative in (True, False)}
    )


def test_no_training_text_resembles_an_unseen_one() -> None:
    """Of the files that corpus.UNSEEN names, and of a text made up here."""
    unseen = load(sorted(path for name in UNSEEN for path in DATA.rglob(f"{name}_*.jsonl")))
    assert _shared(labelled(), [row["text"] for row in unseen]) <= 0.5
    one = Labelled("Her chemo starts on Monday", "art9.health", "", "", False)
    assert _shared([one], ["her chemo starts on friday"]) > 0.5


def _shared(rows: list[Labelled], unseen: list[str]) -> float:
    """The largest share of words that one of the rows has in common with one of the unseen texts."""
    others = [set(text.lower().split()) for text in unseen]
    found = [set(row.text.lower().split()) for row in rows]
    pairs = ((len(one & other), len(one) + len(other)) for one in found for other in others)
    return max((common / (both - common) for common, both in pairs), default=0.0)


def test_tenth_batch_recall_and_false_escalation() -> None:
    """Used up: learned from since, so that this only guards what was reached. training/leave_out.py measures what
    weights give that have not learned from it (docs/detectors.md)."""
    kinds, (escalated, negatives), _ = measure(TENTH)
    special = [v for kind, v in kinds.items() if kind.startswith("art9")]
    assert sum(h for h, _ in special) / sum(t for _, t in special) >= 0.95
    assert escalated / negatives <= 0.10


def test_wilson_interval() -> None:
    low, high = wilson(95, 100)
    assert (round(low, 3), round(high, 3)) == (0.888, 0.978)
    assert wilson(0, 0) == (0.0, 1.0)

"""The classifier: its arithmetic, its file, and that the training code sees what the runtime sees."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decision_layer.detect import prepared, scan
from decision_layer.detect.hits import Hits
from decision_layer.detect.implied import BIAS, FIELDS, KINDS, LONGEST, Implied, each, is_found, pack, parts, sights
from decision_layer.detect.verdict import NEAR, nearest, people, units
from decision_layer.detect.vocabulary import Role, VocabularyError
from decision_layer.parts import Part
from training.expand import NONE, texts

NOUGHT = " ".join("0" for _ in range(FIELDS))
SMALL = st.lists(st.integers(-(2**29), 2**29), min_size=FIELDS, max_size=FIELDS)


def _kinds(text: str) -> set[str]:
    return {finding.kind for finding in scan([Part(text, "user", "messages[0].content")])}


@given(SMALL, SMALL)
def test_packed_numbers_add_each_for_itself(left: list[int], right: list[int]) -> None:
    raised = Implied([], f"{BIAS}\t{NOUGHT}")._bias
    total = raised + pack(left) + pack(right)
    sums = [a + b for a, b in zip(left, right, strict=True)]
    assert each(total) == sums
    assert is_found(total) is any(number >= 0 for number in sums)


def test_a_word_counts_once_and_unknown_words_by_their_parts() -> None:
    one = " ".join(["1"] * FIELDS)
    implied = Implied(["ann"], f"{BIAS}\t{NOUGHT}\nfoo\t{one}\nunion-\t{one}\n^\t{one}")

    def first(words: list[str]) -> list[int]:
        return [each(sums)[0] for sums in implied.sums(words, {}, ())]

    assert first(["foo", "foo", "bar"]) == [1]
    assert first(["unionette"]) == [1]  # by its first five letters
    assert implied.aliases == {"ann": "^", "anns": "^"}
    assert first(["x"] * LONGEST + ["foo"]) == [0, 1]  # a long sentence in pieces


def test_the_strongest_kind_is_named_and_those_near_to_it() -> None:
    assert nearest({"art9.health": -5, "art9.genetic": -5 - NEAR, "art9.union": -6 - NEAR}) == [
        "art9.health",
        "art9.genetic",
    ]


def test_a_secret_that_is_told_is_no_sight_of_a_kind() -> None:
    seen = {("secrecy.professional", Role.SURE, True)}
    assert set(sights(seen, {Role.NAMED})) == set()
    assert "=art9.health!" in set(sights({*seen, ("art9.health", Role.TOPIC, True)}, {Role.NAMED}))


def test_parts_are_beginnings_and_ends() -> None:
    assert parts("union") == []
    assert parts("chemotherapy") == ["chemo-", "-erapy", "chemoth-", "-therapy"]


@pytest.mark.parametrize("text", ["", "# x", f"{BIAS}\t1 2", f"{BIAS}\t{NOUGHT}\nfoo\t1", f"{BIAS}\t{NOUGHT}\nfoo\tx"])
def test_a_malformed_file_is_refused(text: str) -> None:
    with pytest.raises(VocabularyError) as caught:
        Implied([], text)
    assert caught.value.where == "implied.txt"
    assert caught.value.hint


def test_no_feature_holds_a_number_of_the_training_texts() -> None:
    judge = prepared()
    assert not [word for word in judge.implied._words if re.search(r"\d", word)]


def test_sentences_about_nobody_are_passed_over() -> None:
    judge = prepared()
    text = "the container arrives on tuesday. she waits for it at the gate. rain is expected tomorrow."
    held = list(units(text, judge.lexicon.read(text, text, Hits()), judge.implied.aliases, people(judge.lexicon)))
    assert [text[unit.start : unit.end].strip() for unit in held] == ["she waits for it at the gate."]


def test_training_texts_are_many_and_even() -> None:
    found = list(texts())
    positive = Counter(text.language for text in found if text.kind != NONE)
    negative = Counter(text.language for text in found if text.kind == NONE)
    assert sum(positive.values()) >= 1500
    assert sum(negative.values()) >= 2000
    for counts in (positive, negative):
        assert max(counts.values()) <= 1.15 * min(counts.values())
    assert {text.kind for text in found} == {NONE, *KINDS}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("She has been off since the diagnosis, the chemo starts Monday.", "art9.health"),
        ("Er geht freitags in die Moschee.", "art9.religion"),
        ("Hun er tillidsrepræsentant i 3F.", "art9.union"),
        ("Hans ansigt låser skabet op.", "art9.biometric"),
    ],
)
def test_implied(text: str, kind: str) -> None:
    assert kind in _kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "Holy Cow Burgers sent us the invoice for May.",
        "Der Betriebsausflug beginnt um neun, sagt Anna.",
        "Hun spiller skak om torsdagen.",
        "How do I avoid a race condition between two threads?",
    ],
)
def test_not_implied(text: str) -> None:
    assert _kinds(text) == set()

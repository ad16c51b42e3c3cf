"""Vocabularies: their form, and the rules by which a word counts or not."""

from __future__ import annotations

import pytest

from decision_layer.detect.hits import Hits
from decision_layer.detect.lexicon import Lexicon
from decision_layer.detect.vocabulary import EXACT, LANGUAGES, Role, Term, VocabularyError, _read, load

KINDS = {
    "art9.health",
    "art9.religion",
    "art9.politics",
    "art9.union",
    "art9.ethnicity",
    "art9.sexual",
    "art9.genetic",
    "art9.biometric",
    "art10.criminal",
    "secrecy.professional",
}


def test_every_kind_has_terms_in_every_language() -> None:
    told = {(term.kind, term.language) for term in load() if term.role <= Role.TOPIC}
    assert {(kind, language) for kind in KINDS for language in LANGUAGES} <= told


def test_no_term_is_empty_or_longer_than_the_masks_are_looked_for() -> None:
    assert all(1 < len(term.text) <= 64 or term.endings is EXACT for term in load())


def test_no_phrase_that_means_something_else_hides_a_term_for_good() -> None:
    """A term that stands in `not` as it is could never count."""
    terms = load()
    masks = {(t.kind, t.text) for t in terms if t.role is Role.NOT and t.endings is None}
    dead = {(t.kind, t.text) for t in terms if t.role <= Role.TOPIC} & masks
    assert dead == set()


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ([], "no kind named"),
        ({"en": {"sure": ["x"]}}, "no kind named"),
        ({"kind": "art9.x", "en": {"surely": ["x"]}}, "unknown level"),
        ({"kind": "art9.x", "en": {"sure": "x"}}, "unknown level"),
        ({"kind": "art9.x", "en": {"sure": [True]}}, "no text"),
        ({"kind": "art9.x", "en": {"named": ["x"]}}, "unknown level"),
    ],
)
def test_a_malformed_file_is_refused(content: object, hint: str) -> None:
    with pytest.raises(VocabularyError, match=hint) as caught:
        _read("x.yaml", content)
    assert caught.value.where.startswith("x.yaml")
    assert caught.value.hint


def _term(text: str, role: Role, kind: str = "art9.health", endings: frozenset[str] | None = EXACT) -> Term:
    return Term(text, role, kind, "en", False, endings)


TERMS = (
    _term("flu", Role.SURE),
    _term("ill", Role.PERSON),
    _term("nurse", Role.TOPIC),
    _term("ward", Role.TOPIC),
    _term("knee", Role.HINT),
    _term("flu season", Role.NOT),
    _term("server", Role.UNLESS),
    _term("she", Role.NAMED, "context"),
    _term("explain", Role.GENERAL, "context"),
    _term("research", Role.GENERAL, "context", None),
    _term("suffers", Role.CUE, "context"),
)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("flu again", True),
        ("influenza", False),
        ("flus", False),
        ("flu season is near", False),
        ("flu season is near, flu is here", True),
        ("explain flu", False),
        ("explain why she has flu", True),
        ("flu research is costly", False),
        ("explain this. flu it is.", True),
        ("ill again", False),
        ("she is ill again", True),
        ("the server is ill", False),
        ("the server is up. she is ill again.", True),
        ("she hurt her knee", False),
        ("she hurt her knee, says the nurse", True),
        ("the nurse came", False),
        ("she saw the nurse", False),
        ("she saw the nurse on the ward", True),
        ("she suffers, says the nurse", True),
        ("the nurse suffers", False),
    ],
)
def test_rules(text: str, counts: bool) -> None:
    hits = Hits()
    Lexicon(TERMS).scan(text, text, hits)
    assert hits.has("art9.health") is counts

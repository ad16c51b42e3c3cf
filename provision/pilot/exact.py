"""Exact scoring: 1 where the answer is, or contains, one of the expected ones; else 0."""

from __future__ import annotations

import unicodedata

from provision.models.pilot import Question
from provision.models.pilot_result import Answer, Score


def score_exact(answer: Answer, question: Question, match: str) -> Score:
    given = normalise(answer.text)
    for expected in question.expected:
        wanted = normalise(expected)
        if given == wanted or (match == "contains" and _contains(given, wanted)):
            return Score(answer=answer.id, value=1.0, by="exact", reason=f"{match}: {expected[:80]}")
    return Score(answer=answer.id, value=0.0, by="exact", reason=f"{match}: none of the expected answers")


def normalise(text: str) -> str:
    """Unicode's compatibility form, without case, with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _contains(given: str, wanted: str) -> bool:
    """As words of its own: '12' is not in '2012'."""
    place = given.find(wanted)
    while place >= 0:
        before, after = given[:place][-1:], given[place + len(wanted) :][:1]
        if not (_joins(before, wanted[:1]) or _joins(after, wanted[-1:])):
            return True
        place = given.find(wanted, place + 1)
    return False


def _joins(outer: str, inner: str) -> bool:
    return outer.isalnum() and inner.isalnum()

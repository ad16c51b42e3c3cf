"""Classification under the EU AI Act, from answers alone: what is not answered is not guessed."""

from __future__ import annotations

from collections.abc import Mapping

from provision.models.base import Frozen
from provision.papers.answers import Answer, Decides, load_questions


class Classification(Frozen):
    """`known`: every question that could change the result is answered. `because`: ids of the questions behind it."""

    result: str
    known: bool
    because: tuple[str, ...]
    unanswered: tuple[str, ...]


def classify(given: Mapping[str, Answer]) -> Classification:
    """The highest class that the answers reach: prohibited, high risk, transparency duties, none of these.

    AI Act Art. 5, Art. 6(1) with Annex I, Art. 6(2) with Annex III, Art. 6(3), Art. 50. A class that is reached stands
    even where lower questions are open; where higher ones are open, nothing is settled.
    """
    prohibited, open_ = _sort("prohibited", given)
    if prohibited:
        return _settle("prohibited practice as answered: it may not be used so", prohibited, open_, known=True)
    product, more = _sort("high_risk_product", given)
    open_ += more
    area, more = _sort("high_risk", given)
    open_ += more
    excepted = given.get("exception")
    if product:
        return _settle("high-risk system as answered (Art. 6(1))", product, open_, known=not _of("prohibited", open_))
    if area and excepted is None:
        open_.append("exception")
        return _settle("high-risk system as answered, unless Art. 6(3) applies", area, open_, known=False)
    if area and excepted is not None and excepted.answer is not True:
        return _settle("high-risk system as answered (Art. 6(2))", area, open_, known=not _of("prohibited", open_))
    duties, more = _sort("transparency", given)
    settled = not open_
    if duties:
        exception = ("exception",) if area else ()
        return _settle(
            "system with transparency duties as answered (Art. 50)",
            [*area, *exception, *duties],
            [*open_, *more],
            known=settled,
        )
    known = settled and not more
    return _settle("none of the regulated classes as answered", list(area), [*open_, *more], known=known)


def _sort(decides: Decides, given: Mapping[str, Answer]) -> tuple[list[str], list[str]]:
    """Questions of a kind that were answered with yes, and those that were not answered."""
    ids = [question.id for question in load_questions().values() if question.decides == decides]
    return [i for i in ids if i in given and given[i].answer is True], [i for i in ids if i not in given]


def _of(decides: Decides, ids: list[str]) -> bool:
    return any(load_questions()[i].decides == decides for i in ids)


def _settle(result: str, because: list[str], unanswered: list[str], *, known: bool) -> Classification:
    so_far = f" (so far: {result})" if because else ""
    text = result if known else f"not decided: {len(unanswered)} questions are open{so_far}"
    return Classification(result=text, known=known, because=tuple(because), unanswered=tuple(unanswered))

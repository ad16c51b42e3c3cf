"""Which of the terms that an entry of the automaton stands for are really there."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict

from decision_layer.detect.entries import MASK, SOMEBODY, SUBJECT, Usage
from decision_layer.detect.sentences import Place
from decision_layer.detect.vocabulary import Term

REST_SIZE = 12  # characters; no ending is longer
_REST = re.compile(r"\w*")
_LONGEST = 64  # no phrase of the vocabularies is longer
_BEFORE_NAME = re.compile(r"(?:^|[^\w])(?:mr|mrs|ms|dr|herrn?|frau|hr|fru|prof|familien?)\.? $")

# Where an entry stands: start, end, whether it is inside a word, its terms.
Match = tuple[int, int, bool, tuple[Usage, ...]]


class Found:
    """What stands in a text. `about` is not sorted out until a subject is found that it may be about."""

    __slots__ = ("_lower", "_text", "about", "context", "masks", "people", "subjects")

    def __init__(self, text: str, lower: str) -> None:
        self._text, self._lower = text, lower
        self.subjects: list[Place] = []
        self.masks: list[tuple[int, int, str]] = []
        self.context: list[tuple[int, Term]] = []
        self.about: list[Match] = []
        self.people: set[int] = set()

    def sort_out(self, match: Match) -> None:
        """Keep those of its terms that may stand so."""
        start, end, inner, terms = match
        rest: str | None = None
        for inside, letter, endings, sort, term in terms:
            if (inner and not inside) or (letter and miswritten(self._text, start, letter)):
                continue
            if endings is not None:
                if rest is None:
                    rest = rest_of(self._lower, end)
                if rest not in endings:
                    continue
            if sort == SUBJECT:
                if not (self._text[start].isupper() and _surname(self._lower, start, end)):
                    self.subjects.append((start, end, term))
            elif sort == MASK:
                self.masks.append((start, end, term.kind))
            else:
                self.context.append((start, term))
                if sort == SOMEBODY:
                    self.people.add(start)


def rest_of(lower: str, end: int) -> str:
    """What the word goes on with at `end`, as far as an ending goes."""
    match = _REST.match(lower, end, end + REST_SIZE)
    return match[0] if match else ""


def _surname(lower: str, start: int, end: int) -> bool:
    """Mr Priest, Frau Schwarz, the Gay family: a name, whatever else the word means."""
    return _BEFORE_NAME.search(lower, max(0, start - 9), start) is not None or lower.startswith(" family", end)


def miswritten(text: str, start: int, letter: str) -> bool:
    """A name without its capital; or German "Sie" and "Ihr" inside a sentence, which address the reader."""
    if letter == "^":
        return not text[start].isupper()
    before = text[max(0, start - 2) : start].rstrip(" ")[-1:]
    return text[start].isupper() and before not in ("", ".", "!", "?", ":", "\n", "-", '"')


def unmasked(found: Found) -> list[Place]:
    """The subjects without those that are part of a phrase which means something else."""
    masks: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for start, end, kind in found.masks:  # in the order of their ends
        masks[kind].append((end, start))
    return [place for place in found.subjects if not _masked(place, masks.get(place[2].kind))]


def _masked(place: Place, masks: list[tuple[int, int]] | None) -> bool:
    if masks is None:
        return False
    start, end, _ = place
    for at in range(bisect_left(masks, (end, -1)), len(masks)):
        mask_end, mask_start = masks[at]
        if mask_end > end + _LONGEST:
            return False
        if mask_start <= start:
            return True
    return False

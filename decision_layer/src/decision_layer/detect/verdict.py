"""Lexicon and classifier together: which subjects a text says of a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from decision_layer.detect.hits import Hits
from decision_layer.detect.implied import KINDS, Implied, Sight, sights
from decision_layer.detect.lexicon import Lexicon, Reading, Said

VETO = -64  # below this the classifier overrules a word of the vocabularies
_SHORTEST = 12  # characters; no shorter sentence says something of somebody


class Unit(NamedTuple):
    """A sentence, what the lexicon saw in it, and that as features of the classifier."""

    start: int
    end: int
    subjects: list[Said]
    features: set[str]


def units(reading: Reading, size: int) -> Iterator[Unit]:
    """The sentences of a text of `size` characters, without the shortest."""
    by_sentence: defaultdict[int, list[Said]] = defaultdict(list)
    for said in reading.subjects:
        by_sentence[said.sentence].append(said)
    start = 0
    for number, end in enumerate([*reading.breaks, size]):
        subjects = by_sentence.get(number, [])
        if subjects or end - start >= _SHORTEST:
            seen: set[Sight] = {(s.term.kind, s.term.role, s.fires) for s in subjects}
            yield Unit(start, end, subjects, set(sights(seen, reading.roles.get(number, ()))) if seen else set())
        start = end


class Judge:
    """Built once (some tenths of a second); free of state after that."""

    def __init__(self) -> None:
        self.lexicon = Lexicon()
        self.implied = Implied(self.lexicon.first_names())

    def scan(self, text: str, lower: str, hits: Hits) -> None:
        """Adds the kinds that a sentence says of somebody, and the findings of the lexicon's triggers."""
        for unit in units(self.lexicon.read(text, lower, hits), len(lower)):
            doubted: set[str] = set()
            for sums in self.implied.sums(lower, unit.start, unit.end, unit.features):
                if sums.found() or unit.subjects:
                    each = sums.each()
                    doubted.update(kind for kind, number in zip(KINDS, each, strict=True) if number < VETO)
                    if max(each) >= 0:
                        hits.add(KINDS[each.index(max(each))], lower[sums.start : sums.end])
            for said in unit.subjects:
                if said.fires and said.term.kind not in doubted:
                    hits.add(said.term.kind, lower[said.start : said.end])

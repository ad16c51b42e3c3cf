"""Lexicon and classifier together: which subjects a text says of a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from decision_layer.detect.hits import Hits
from decision_layer.detect.implied import KINDS, Implied, Sight, apart, each, is_found, sights
from decision_layer.detect.lexicon import Lexicon, Reading, Said
from decision_layer.detect.vocabulary import Role

# Below this sum the classifier overrules a word of the vocabularies: that of any kind, for words that do not stand for
# themselves that of their kind too.
VETO = -40
NEAR = 32  # a kind that is so near to the strongest one is found with it
_SHORTEST = 12  # characters; no shorter sentence says something of somebody


# Besides the lexicon's words: whoever speaks or is spoken to is a person too.
_SPEAKERS_TEXT = """
i my me you your yours we us our ich mein meine meinen meiner meinem mir mich du dein deine deinen deiner
dir dich wir uns unser unsere unseren unserem unserer euer eure ihr ihre ihren ihrem ihrer ihrs sein seine
seinen seinem seiner er sie ihn ihm man jeg mig min mit mine du dig din dit dine vi os vores jer jeres han
hun ham hende hans hendes sin sit sine de dem deres
"""
_SPEAKERS = frozenset(_SPEAKERS_TEXT.split())


class Unit(NamedTuple):
    """A sentence that may say something of somebody: where it stands, its words, what the lexicon saw in it, and that
    as features of the classifier."""

    start: int
    end: int
    words: list[str]
    subjects: list[Said]
    features: set[str]


def people(lexicon: Lexicon) -> frozenset[str]:
    """Words that make a sentence one about people."""
    return frozenset({*lexicon.people(), *_SPEAKERS})


def units(lower: str, reading: Reading, names: dict[str, str], here: frozenset[str]) -> Iterator[Unit]:
    """The sentences of a text, without the shortest and without those that hold neither people (`here`: what `people`
    gave) nor a subject's word: no data of a person."""
    by_sentence: defaultdict[int, list[Said]] = defaultdict(list)
    for said in reading.subjects:
        by_sentence[said.sentence].append(said)
    spaced, first = apart(lower), names.keys()
    start = 0
    for number, end in enumerate([*reading.breaks, len(lower)]):
        subjects = by_sentence.get(number, [])
        if subjects or end - start >= _SHORTEST:
            words = spaced[start:end].split()
            named = not first.isdisjoint(words)
            if named or subjects or number in reading.peopled or not here.isdisjoint(words):
                if named:
                    words = list(map(names.get, words, words))
                seen: set[Sight] = {(s.term.kind, s.term.role, s.fires) for s in subjects}
                features = set(sights(seen, reading.roles.get(number, ()))) if seen else set()
                yield Unit(start, end, words, subjects, features)
        start = end


def nearest(sums: dict[str, int]) -> list[str]:
    """The strongest kind, and those that can hardly be told from it."""
    least = max(sums.values()) - NEAR
    return [kind for kind, number in sums.items() if number >= least]


def _overruled(said: Said, strongest: list[int]) -> bool:
    """`strongest`: the largest sums of the sentence's pieces, none if no words stand in it."""
    if not strongest or said.term.kind not in KINDS:
        return False
    of_kind = strongest[KINDS.index(said.term.kind)]
    return strongest[-1] < VETO or (said.term.role is not Role.SURE and of_kind < VETO)


class Judge:
    """Built once (some tenths of a second); free of state after that."""

    def __init__(self, weights: str | None = None) -> None:
        """`weights`: the text of a file of weights, the package's own if None. Raises VocabularyError."""
        self.lexicon = Lexicon()
        self.implied = Implied(self.lexicon.first_names(), weights)
        self._people = people(self.lexicon)

    def scan(self, text: str, lower: str, hits: Hits) -> None:
        """Adds the kinds that a sentence says of somebody, and the findings of the lexicon's triggers."""
        unknown: dict[str, int] = {}
        for unit in units(lower, self.lexicon.read(text, lower, hits), self.implied.aliases, self._people):
            fired = [said for said in unit.subjects if said.fires]
            strongest: list[int] = []
            for raised in self.implied.sums(unit.words, unknown, unit.features):
                if fired or is_found(raised):
                    numbers = each(raised)
                    strongest = list(map(max, strongest or numbers, numbers))
                    if is_found(raised):
                        for kind in nearest(dict(zip(KINDS, numbers[:-1], strict=True))):
                            hits.add(kind, lower[unit.start : unit.end])
            for said in fired:
                if not _overruled(said, strongest):
                    hits.add(said.term.kind, lower[said.start : said.end])

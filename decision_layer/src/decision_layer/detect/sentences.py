"""Whether a subject (an illness, a faith, a crime) is said of a person, or is what the text talks about in general."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from itertools import islice
from operator import itemgetter

from decision_layer.detect.vocabulary import ANY, EXACT, LANGUAGES, Role, Term

_COMPOUND_REACH = 14
_ENOUGH = 16  # distinct words of one subject in a sentence; more would say nothing new

_SPOKEN = (Role.NAMED, Role.GROUP, Role.OURS)  # roles of words that belong to one language
_CLEAR = 3  # words that tell the language; fewer tell nothing

Place = tuple[int, int, Term]
Word = tuple[int, int, Term]  # its sentence, where it begins, what it is
Votes = dict[str, int]  # by language how many words speak for it
_VOTES = 20  # bits of a language's number, where the numbers of all travel as one

_COMPOUND = re.compile(r"\w{0,12}[ -]?")  # what may stand between the parts of "cancer research", "depression-era"


class Sentences:
    """The people, general words and cues of a text, by the sentence they stand in."""

    def __init__(
        self, lower: str, breaks: list[int], subjects: list[Place], context: list[Word], votes: dict[int, Votes]
    ) -> None:
        """`votes`: by sentence how many words speak for each language, none where no word tells it."""
        self._lower = lower
        self._breaks = breaks
        self._at: defaultdict[tuple[int, Role], list[int]] = defaultdict(list)
        self._nouns: defaultdict[int, list[int]] = defaultdict(list)
        self._unless: set[tuple[int, str]] = set()
        self._subjects: defaultdict[tuple[int, str], dict[str, None]] = defaultdict(dict)
        for sentence, start, term in sorted(context, key=itemgetter(1)):
            if term.role is Role.UNLESS:
                self._unless.add((sentence, term.kind))
            elif term.role not in _SPOKEN or spoken(votes.get(sentence), term.language):
                self._at[sentence, term.role].append(start)
                if term.role is Role.GENERAL and term.endings is not EXACT:
                    self._nouns[sentence].append(start)
        self._votes = votes
        for start, _, term in subjects:
            sentence = bisect_right(breaks, start)
            if not foreign(votes.get(sentence), term.language):
                self._subjects[sentence, term.kind][term.text] = None

    def fires(self, start: int, end: int, term: Term) -> bool:
        """Whether this subject, found at [start, end), is said of somebody."""
        here = bisect_right(self._breaks, start)
        if foreign(self._votes.get(here), term.language) or self._about(here, start, end):
            return False
        if term.role is Role.SURE:
            return True
        if (here, term.kind) in self._unless:
            return False
        if term.role is Role.PERSON:
            return any((here, role) in self._at for role in (Role.NAMED, Role.GROUP))
        if (here, Role.NAMED) not in self._at:
            return False
        return self._several(here, term) or (term.role is Role.TOPIC and (here, Role.CUE) in self._at)

    def roles(self) -> dict[int, set[Role]]:
        """By sentence the roles of its people, general words and ties."""
        found: defaultdict[int, set[Role]] = defaultdict(set)
        for sentence, role in self._at:
            found[sentence].add(role)
        return dict(found)

    def _about(self, here: int, start: int, end: int) -> bool:
        """A general word rules the subject where no person stands between the two, or right behind the subject."""
        general = self._at.get((here, Role.GENERAL))
        if not general:
            return False
        nouns = self._nouns[here]
        for at in nouns[bisect_left(nouns, end) : bisect_right(nouns, end + _COMPOUND_REACH)]:
            if _COMPOUND.fullmatch(self._lower, end, at):
                return True
        return _last_before(general, start) > _last_before(self._at.get((here, Role.NAMED), []), start)

    def _several(self, here: int, term: Term) -> bool:
        """Another word of the same subject that is not part of this one, nor this one part of it."""
        others = islice(self._subjects[here, term.kind], _ENOUGH)
        return any(t not in term.text and term.text not in t for t in others)


def _last_before(places: list[int], start: int) -> int:
    at = bisect_left(places, start)
    return places[at - 1] if at else -1


def pack(terms: list[Term]) -> int:
    """For which languages a word speaks, as one number: sums of these are those of all languages."""
    return sum(1 << (_VOTES * LANGUAGES.index(term.language)) for term in terms if term.role is Role.LANGUAGE)


def unpack(packed: int) -> Votes:
    """The sum of such numbers (of less than a million words)."""
    return {language: packed >> (_VOTES * at) & ((1 << _VOTES) - 1) for at, language in enumerate(LANGUAGES)}


def foreign(votes: Votes | None, language: str) -> bool:
    """Whether a sentence is so clearly in another language that a subject's word is not one of `language`."""
    return votes is not None and language != ANY and votes[language] * 3 < max(votes.values()) >= _CLEAR


def spoken(votes: Votes | None, language: str) -> bool:
    """Whether a word of this language can be meant: a sentence that is clearly in another one rules it out."""
    return votes is None or language == ANY or votes[language] * 2 >= max(votes.values())

"""One pass over the text for every word that matters (Aho-Corasick, linear whatever the text), then the decisions."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from itertools import repeat
from typing import NamedTuple

import ahocorasick

from decision_layer.detect.entries import ABOUT, PEOPLE, SOMEBODY, make_entry, make_triggers
from decision_layer.detect.hits import Hits
from decision_layer.detect.implied import apart
from decision_layer.detect.matches import REST_SIZE, Found, miswritten, rest_of, unmasked
from decision_layer.detect.sentences import Place, Sentences, Votes, Word, pack, unpack
from decision_layer.detect.vocabulary import ANY, EXACT, Role, Term, load

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_BREAK = re.compile(r"[.!?;\n](?:(?=\s)|(?<=\n))")  # begins with one class: searched twice as fast as `[.!?;](?=\s)|\n`
_TITLES = re.compile(r"(?:^|\s)(?:dr|mr|mrs|ms|prof|hr|fr|geb|nr|art|st|bzw|ca|inkl|[a-z]|\d{1,2})$")
_NO_TITLE = 5  # letters: no title is so long


_WHOSE = Term("'s", Role.NAMED, "context", ANY, inside=False, endings=EXACT)


class Said(NamedTuple):
    """A subject's word: which sentence it stands in, where, and whether the rules take it to be said of somebody."""

    sentence: int
    start: int
    end: int
    term: Term
    fires: bool


class Reading(NamedTuple):
    """What the lexicon saw: where sentences end, the subjects' words, by sentence the roles of its other words (only of
    sentences that hold a subject), and sentences in which one of its longer words says that people are meant."""

    breaks: list[int]
    subjects: list[Said]
    roles: dict[int, set[Role]]
    peopled: set[int]


class Lexicon:
    """Built once; `scan` is free of state and may run in several threads."""

    def __init__(self, terms: tuple[Term, ...] | None = None) -> None:
        by_text: defaultdict[str, list[Term]] = defaultdict(list)
        words: defaultdict[str, list[Term]] = defaultdict(list)
        for term in load() if terms is None else terms:
            # Short words such as "i" and "er" stand in every other word: looked up word by word, and only if needed.
            table = words if term.role > Role.UNLESS and term.endings is EXACT and " " not in term.text else by_text
            table[term.text].append(term)
        triggers = make_triggers()
        self._words = {text: tuple(found) for text, found in words.items()}
        self._votes = {text: pack(found) for text, found in words.items()}
        self._others = {
            text: terms
            for text, found in words.items()
            if (terms := tuple([term for term in found if term.role is not Role.LANGUAGE]))
        }
        self._other_words = frozenset(self._others)
        self._automaton = ahocorasick.Automaton()
        for text in {*by_text, *triggers}:
            self._automaton.add_word(text, make_entry(text, by_text[text], triggers[text]))
        self._automaton.make_automaton()

    def scan(self, text: str, lower: str, hits: Hits) -> None:
        """What the vocabularies alone find."""
        for said in self.read(text, lower, hits).subjects:
            if said.fires:
                hits.add(said.term.kind, lower[said.start : said.end])

    def read(self, text: str, lower: str, hits: Hits) -> Reading:
        """`lower` is the lower-cased text, of the same length. Runs the other detectors' triggers on the way."""
        found = self._find(text, lower, hits)
        subjects = unmasked(found)
        breaks = [m.end() for m in _BREAK.finditer(lower) if not _abbreviated(lower, m.start())]
        peopled = {bisect_right(breaks, start) for start in found.people}
        if not subjects:
            return Reading(breaks, [], {}, peopled)
        context, votes = self._context_of(text, lower, subjects, breaks, found)
        sentences = Sentences(lower, breaks, subjects, context, votes)
        said = [Said(bisect_right(breaks, s), s, e, term, sentences.fires(s, e, term)) for s, e, term in subjects]
        return Reading(breaks, said, sentences.roles(), peopled)

    def _find(self, text: str, lower: str, hits: Hits) -> Found:
        found, spaced = Found(text, lower), apart(lower)
        for last, (size, inside, endings, sort, terms, triggers) in self._automaton.iter(lower):
            end = last + 1
            start = end - size
            inner = start > 0 and lower[start - 1].isalnum()
            if inner and not inside:
                continue
            for trigger in triggers:
                trigger.run(text, end if trigger.behind else start, hits)
            if endings is not None:
                stop = spaced.find(" ", end, end + REST_SIZE)
                rest = spaced[end : stop if stop >= 0 else end + REST_SIZE]
                if rest not in endings and (rest.isalnum() or rest_of(lower, end) not in endings):
                    continue
            if sort == ABOUT:
                found.about.append((start, end, inner, terms))
            elif sort == SOMEBODY and not inner:
                found.about.append((start, end, inner, terms))
                found.people.add(start)
            elif terms:
                found.sort_out((start, end, inner, terms))
        return found

    def _context_of(
        self, text: str, lower: str, subjects: list[Place], breaks: list[int], found: Found
    ) -> tuple[list[Word], dict[int, Votes]]:
        """The other words of the sentences that hold a subject, and the languages that these speak."""
        held = {bisect_right(breaks, start) for start, _, _ in subjects}
        for match in found.about:
            if bisect_right(breaks, match[0]) in held:
                found.sort_out(match)
        placed = [(bisect_right(breaks, start), start, term) for start, term in found.context]
        context = [word for word in placed if word[0] in held]
        votes: dict[int, Votes] = {}
        edges = [0, *breaks, len(lower)]
        for sentence in sorted(held):
            start, end = edges[sentence], edges[sentence + 1]
            words = _WORD.findall(lower, start, end)
            if packed := sum(map(self._votes.get, words, repeat(0))):
                votes[sentence] = unpack(packed)
            if here := self._others_among({*words}):
                context += self._placed(text, lower, sentence, start, words, here)
        return context, votes

    def first_names(self) -> list[str]:
        """The names that say that somebody is meant, in small letters."""
        return sorted(self._words_of(lambda term: term.role is Role.NAMED and term.letter == "^"))

    def people(self) -> set[str]:
        """The short words that say that people are meant (she, her, Mrs)."""
        return self._words_of(lambda term: term.role in PEOPLE and term.letter != "^")

    def _words_of(self, wanted: Callable[[Term], bool]) -> set[str]:
        return {word for word, terms in self._words.items() if any(map(wanted, terms))}

    def _others_among(self, words: set[str]) -> dict[str, tuple[Term, ...]]:
        """What these stand for besides their language."""
        here = {word: self._others[word] for word in words & self._other_words}
        for word in words:
            if word[-1] == "s" and word not in self._words and (terms := self._names_of(word)):
                here[word] = terms
        return here

    def _names_of(self, word: str) -> tuple[Term, ...]:
        """Viktor's, Viktors: whose something is, is meant; before an apostrophe a name need not be known."""
        if word.endswith("'s"):
            return self._others.get(word[:-2], () if word[:-2] in self._words else (_WHOSE,))
        return tuple([term for term in self._words.get(word[:-1], ()) if term.letter == "^"])

    def _placed(
        self, text: str, lower: str, sentence: int, at: int, words: list[str], here: dict[str, tuple[Term, ...]]
    ) -> list[Word]:
        """Each of them where it stands."""
        found = []
        for word in words:
            at = lower.index(word, at)  # between one word and the next stands no letter
            for term in here.get(word, ()):
                if word not in self._words and not text[at].isupper():
                    continue
                if not (term.letter and miswritten(text, at, term.letter)):
                    found.append((sentence, at, term))
            at += len(word)
        return found


def _abbreviated(lower: str, at: int) -> bool:
    if lower[at] != "." or (at >= _NO_TITLE and lower[at - _NO_TITLE : at].isalpha()):
        return False
    return _TITLES.search(lower, max(0, at - 6), at) is not None

"""One pass over the text for every word that matters (Aho-Corasick, linear whatever the text), then the decisions."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import ahocorasick

from decision_layer.detect import contact, secrets
from decision_layer.detect.dates import BORN
from decision_layer.detect.hits import Hits
from decision_layer.detect.sentences import Place, Sentences
from decision_layer.detect.vocabulary import ANY, EXACT, Role, Term, load

_LONGEST = 64  # no phrase of the vocabularies is longer
_REST = re.compile(r"\w*")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_BREAK = re.compile(r"[.!?;](?=\s)|\n")
_BEFORE_NAME = re.compile(r"(?:^|[^\w])(?:mr|mrs|ms|dr|herrn?|frau|hr|fru|prof|familien?)\.? $")
_TITLES = re.compile(r"(?:^|\s)(?:dr|mr|mrs|ms|prof|hr|fr|geb|nr|art|st|bzw|ca|inkl|[a-z]|\d+)$")


_PEOPLE = (Role.NAMED, Role.GROUP)
_WHOSE = Term("'s", Role.NAMED, "context", ANY, inside=False, endings=EXACT)


class Trigger(NamedTuple):
    """A detector to run where a string stands: at its start, or behind it."""

    behind: bool
    run: Callable[[str, int, Hits], None]


class Entry(NamedTuple):
    """What one string of the automaton stands for: terms of the vocabularies and triggers of the detectors."""

    size: int
    inside: bool
    terms: tuple[Term, ...]
    triggers: tuple[Trigger, ...]


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
        triggers = _triggers()
        self._words = {text: tuple(found) for text, found in words.items()}
        self._automaton = ahocorasick.Automaton()
        for text in {*by_text, *triggers}:
            inside = text in triggers or any(term.inside for term in by_text[text])
            self._automaton.add_word(text, Entry(len(text), inside, tuple(by_text[text]), tuple(triggers[text])))
        self._automaton.make_automaton()

    def scan(self, text: str, lower: str, hits: Hits) -> None:
        """What the vocabularies alone find."""
        for said in self.read(text, lower, hits).subjects:
            if said.fires:
                hits.add(said.term.kind, lower[said.start : said.end])

    def read(self, text: str, lower: str, hits: Hits) -> Reading:
        """`lower` is the lower-cased text, of the same length. Runs the other detectors' triggers on the way."""
        found = _Found()
        for last, entry in self._automaton.iter(lower):
            start = last + 1 - entry.size
            inner = start > 0 and lower[start - 1].isalnum()
            if inner and not entry.inside:
                continue
            for trigger in entry.triggers:
                trigger.run(text, last + 1 if trigger.behind else start, hits)
            if entry.terms:
                _collect(text, lower, start, last + 1, entry.terms, inner, found)
        subjects = _unmasked(found)
        breaks = [m.end() for m in _BREAK.finditer(lower) if not _abbreviated(lower, m)]
        peopled = {bisect_right(breaks, at) for at, term in found.context if term.role in _PEOPLE}
        if not subjects:
            return Reading(breaks, [], {}, peopled)
        for start, end in _sentences_of(subjects, breaks, len(lower)):
            found.context += self._context(text, lower, start, end)
        sentences = Sentences(lower, breaks, subjects, found.context)
        said = [Said(bisect_right(breaks, s), s, e, term, sentences.fires(s, e, term)) for s, e, term in subjects]
        return Reading(breaks, said, sentences.roles(), peopled)

    def first_names(self) -> list[str]:
        """The names that say that somebody is meant, in small letters."""
        return sorted(self._words_of(lambda term: term.role is Role.NAMED and term.letter == "^"))

    def people(self) -> set[str]:
        """The short words that say that people are meant (she, her, Mrs)."""
        return self._words_of(lambda term: term.role in _PEOPLE and term.letter != "^")

    def _words_of(self, wanted: Callable[[Term], bool]) -> set[str]:
        return {word for word, terms in self._words.items() if any(map(wanted, terms))}

    def _context(self, text: str, lower: str, start: int, end: int) -> list[tuple[int, Term]]:
        found = []
        for match in _WORD.finditer(lower, start, end):
            word, at = match[0], match.start()
            terms = self._words.get(word, ())
            if not terms and text[at].isupper():
                terms = self._names_of(word)
            found += [(at, term) for term in terms if not (term.letter and _miswritten(text, at, term.letter))]
        return found

    def _names_of(self, word: str) -> tuple[Term, ...]:
        """Viktor's, Viktors: whose something is, is meant; before an apostrophe a name need not be known."""
        if word.endswith("'s"):
            return self._words.get(word[:-2], (_WHOSE,))
        if word.endswith("s"):
            return tuple([term for term in self._words.get(word[:-1], ()) if term.letter == "^"])
        return ()


def _sentences_of(subjects: list[Place], breaks: list[int], size: int) -> list[tuple[int, int]]:
    """Where the sentences begin and end that hold a subject, each once."""
    edges = [0, *breaks, size]
    return [(edges[at], edges[at + 1]) for at in sorted({bisect_right(breaks, start) for start, _, _ in subjects})]


class _Found:
    __slots__ = ("context", "masks", "subjects")

    def __init__(self) -> None:
        self.subjects: list[Place] = []
        self.masks: list[tuple[int, int, str]] = []
        self.context: list[tuple[int, Term]] = []


def _collect(text: str, lower: str, start: int, end: int, terms: tuple[Term, ...], inner: bool, found: _Found) -> None:
    rest: str | None = None
    for term in terms:
        if (inner and not term.inside) or (term.letter and _miswritten(text, start, term.letter)):
            continue
        if term.endings is not None:
            if rest is None:
                match = _REST.match(lower, end, min(len(lower), end + 12))
                rest = match[0] if match else ""
            if rest not in term.endings:
                continue
        if term.role <= Role.HINT:
            if text[start].isupper() and _surname(lower, start, end):
                continue
            found.subjects.append((start, end, term))
        elif term.role is Role.NOT:
            found.masks.append((start, end, term.kind))
        else:
            found.context.append((start, term))


def _surname(lower: str, start: int, end: int) -> bool:
    """Mr Priest, Frau Schwarz, the Gay family: a name, whatever else the word means."""
    return _BEFORE_NAME.search(lower, max(0, start - 9), start) is not None or lower.startswith(" family", end)


def _miswritten(text: str, start: int, letter: str) -> bool:
    """A name without its capital; or German "Sie" and "Ihr" inside a sentence, which address the reader."""
    if letter == "^":
        return not text[start].isupper()
    before = text[max(0, start - 2) : start].rstrip(" ")[-1:]
    return text[start].isupper() and before not in ("", ".", "!", "?", ":", "\n", "-", '"')


def _unmasked(found: _Found) -> list[Place]:
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


def _abbreviated(lower: str, match: re.Match[str]) -> bool:
    at = match.start()
    return lower[at] == "." and _TITLES.search(lower, max(0, at - 6), at) is not None


def _triggers() -> defaultdict[str, list[Trigger]]:
    found: defaultdict[str, list[Trigger]] = defaultdict(list)
    for prefix in secrets.KEYS:
        found[prefix].append(Trigger(False, partial(secrets.scan_key, prefix)))
    for name in secrets.NAMES:
        found[name].append(Trigger(True, partial(secrets.scan_assignment, name)))
    for word in BORN:
        found[word].append(Trigger(True, contact.scan_born))
    for bracket in "([{":
        for at in ("at", "ät", "a", "snabel-a", "snabela"):
            for written in (f"{bracket}{at}", f"{bracket} {at}"):
                found[written].append(Trigger(False, contact.scan_spoken_mail))
    return found

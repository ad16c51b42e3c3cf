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
from decision_layer.detect.implied import apart
from decision_layer.detect.sentences import Place, Sentences
from decision_layer.detect.vocabulary import ANY, EXACT, Role, Term, load

_LONGEST = 64  # no phrase of the vocabularies is longer
_REST = re.compile(r"\w*")
_REST_SIZE = 12  # characters; no ending is longer
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_BREAK = re.compile(r"[.!?;\n](?:(?=\s)|(?<=\n))")  # begins with one class: searched twice as fast as `[.!?;](?=\s)|\n`
_BEFORE_NAME = re.compile(r"(?:^|[^\w])(?:mr|mrs|ms|dr|herrn?|frau|hr|fru|prof|familien?)\.? $")
_TITLES = re.compile(r"(?:^|\s)(?:dr|mr|mrs|ms|prof|hr|fr|geb|nr|art|st|bzw|ca|inkl|[a-z]|\d+)$")
_NO_TITLE = 5  # letters: no title is so long


class Trigger(NamedTuple):
    """A detector to run where a string stands: at its start, or behind it."""

    behind: bool
    run: Callable[[str, int, Hits], None]


# What becomes of a term that was found: a subject, a phrase that means something else, somebody, or what is about them.
_SUBJECT, _MASK, _SOMEBODY, _ABOUT = range(4)
# Plain tuples, since Python takes those apart several times faster than named ones.
# A term as it is looked at where it stands: may it stand inside a word, its first letter, its endings, its sort.
Usage = tuple[bool, str, frozenset[str] | None, int, Term]
# What one string of the automaton stands for: its size, whether any of it may stand inside a word, the endings that any
# of its terms may take (None: one of them takes all), their common sort (_common), they, and the detectors' triggers.
Entry = tuple[int, bool, frozenset[str] | None, int, tuple[Usage, ...], tuple[Trigger, ...]]
# Where an entry stands: start, end, whether it is inside a word, its terms.
Match = tuple[int, int, bool, tuple[Usage, ...]]

_PEOPLE = (Role.NAMED, Role.GROUP)
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
        triggers = _triggers()
        self._words = {text: tuple(found) for text, found in words.items()}
        self._automaton = ahocorasick.Automaton()
        for text in {*by_text, *triggers}:
            self._automaton.add_word(text, _entry(text, by_text[text], triggers[text]))
        self._automaton.make_automaton()

    def scan(self, text: str, lower: str, hits: Hits) -> None:
        """What the vocabularies alone find."""
        for said in self.read(text, lower, hits).subjects:
            if said.fires:
                hits.add(said.term.kind, lower[said.start : said.end])

    def read(self, text: str, lower: str, hits: Hits) -> Reading:
        """`lower` is the lower-cased text, of the same length. Runs the other detectors' triggers on the way."""
        found = self._find(text, lower, hits)
        subjects = _unmasked(found)
        breaks = [m.end() for m in _BREAK.finditer(lower) if not _abbreviated(lower, m.start())]
        peopled = {bisect_right(breaks, start) for start in found.people}
        if not subjects:
            return Reading(breaks, [], {}, peopled)
        sentences = Sentences(lower, breaks, subjects, self._context_of(text, lower, subjects, breaks, found))
        said = [Said(bisect_right(breaks, s), s, e, term, sentences.fires(s, e, term)) for s, e, term in subjects]
        return Reading(breaks, said, sentences.roles(), peopled)

    def _find(self, text: str, lower: str, hits: Hits) -> _Found:
        found, spaced = _Found(text, lower), apart(lower)
        for last, (size, inside, endings, sort, terms, triggers) in self._automaton.iter(lower):
            end = last + 1
            start = end - size
            inner = start > 0 and lower[start - 1].isalnum()
            if inner and not inside:
                continue
            for trigger in triggers:
                trigger.run(text, end if trigger.behind else start, hits)
            if endings is not None:
                stop = spaced.find(" ", end, end + _REST_SIZE)
                rest = spaced[end : stop if stop >= 0 else end + _REST_SIZE]
                if rest not in endings and (rest.isalnum() or _rest(lower, end) not in endings):
                    continue
            if sort == _ABOUT:
                found.about.append((start, end, inner, terms))
            elif sort == _SOMEBODY and not inner:
                found.about.append((start, end, inner, terms))
                found.people.add(start)
            elif terms:
                found.sort_out((start, end, inner, terms))
        return found

    def _context_of(
        self, text: str, lower: str, subjects: list[Place], breaks: list[int], found: _Found
    ) -> list[tuple[int, Term]]:
        """The other words of the sentences that hold a subject."""
        held = {bisect_right(breaks, start) for start, _, _ in subjects}
        for match in found.about:
            if bisect_right(breaks, match[0]) in held:
                found.sort_out(match)
        context = [(start, term) for start, term in found.context if bisect_right(breaks, start) in held]
        edges = [0, *breaks, len(lower)]
        for sentence in sorted(held):
            context += self._context(text, lower, edges[sentence], edges[sentence + 1])
        return context

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


class _Found:
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
            if (inner and not inside) or (letter and _miswritten(self._text, start, letter)):
                continue
            if endings is not None:
                if rest is None:
                    rest = _rest(self._lower, end)
                if rest not in endings:
                    continue
            if sort == _SUBJECT:
                if not (self._text[start].isupper() and _surname(self._lower, start, end)):
                    self.subjects.append((start, end, term))
            elif sort == _MASK:
                self.masks.append((start, end, term.kind))
            else:
                self.context.append((start, term))
                if sort == _SOMEBODY:
                    self.people.add(start)


def _rest(lower: str, end: int) -> str:
    """What the word goes on with at `end`, as far as an ending goes."""
    match = _REST.match(lower, end, end + _REST_SIZE)
    return match[0] if match else ""


def _entry(text: str, terms: list[Term], triggers: list[Trigger]) -> Entry:
    endings = [term.endings for term in terms if term.endings is not None]
    any_ending = frozenset().union(*endings) if terms and len(endings) == len(terms) else None
    usages = [(term.inside, term.letter, term.endings, _sort(term.role), term) for term in terms]
    inside = bool(triggers) or any(term.inside for term in terms)
    return len(text), inside, any_ending, _common(usages), tuple(usages), tuple(triggers)


def _common(usages: list[Usage]) -> int:
    """The sort of all of them; _SUBJECT where they differ, or where a letter says which of them stands there."""
    sorts = {sort for _, _, _, sort, _ in usages}
    lettered = any(letter for _, letter, *_ in usages)
    return sorts.pop() if len(sorts) == 1 and not (lettered and sorts == {_SOMEBODY}) else _SUBJECT


def _sort(role: Role) -> int:
    if role <= Role.HINT:
        return _SUBJECT
    if role is Role.NOT:
        return _MASK
    return _SOMEBODY if role in _PEOPLE else _ABOUT


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


def _abbreviated(lower: str, at: int) -> bool:
    if lower[at] != "." or (at >= _NO_TITLE and lower[at - _NO_TITLE : at].isalpha()):
        return False
    return _TITLES.search(lower, max(0, at - 6), at) is not None


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

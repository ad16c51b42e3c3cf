"""What the strings of the automaton stand for, sorted out once so that little is left to do where one is found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

from decision_layer.detect import contact, secrets
from decision_layer.detect.dates import BORN
from decision_layer.detect.hits import Hits
from decision_layer.detect.vocabulary import Role, Term

PEOPLE = (Role.NAMED, Role.GROUP)


class Trigger(NamedTuple):
    """A detector to run where a string stands: at its start, or behind it."""

    behind: bool
    run: Callable[[str, int, Hits], None]


# What becomes of a term that was found: a subject, a phrase that means something else, somebody, or what is about them.
SUBJECT, MASK, SOMEBODY, ABOUT = range(4)
# Plain tuples, since Python takes those apart several times faster than named ones.
# A term as it is looked at where it stands: may it stand inside a word, its first letter, its endings, its sort.
Usage = tuple[bool, str, frozenset[str] | None, int, Term]
# What one string of the automaton stands for: its size, whether any of it may stand inside a word, the endings that any
# of its terms may take (None: one of them takes all), their common sort (_common), they, and the detectors' triggers.
Entry = tuple[int, bool, frozenset[str] | None, int, tuple[Usage, ...], tuple[Trigger, ...]]


def make_entry(text: str, terms: list[Term], triggers: list[Trigger]) -> Entry:
    """What `text` stands for."""
    endings = _union(frozenset(term.endings for term in terms)) if terms else None
    usages = [(term.inside, term.letter, term.endings, _sort(term.role), term) for term in terms]
    inside = bool(triggers) or any(term.inside for term in terms)
    return len(text), inside, endings, _common(usages), tuple(usages), tuple(triggers)


@cache  # a few dozens, which thousands of entries share
def _union(endings: frozenset[frozenset[str] | None]) -> frozenset[str] | None:
    return None if None in endings else frozenset().union(*[one for one in endings if one is not None])


def _common(usages: list[Usage]) -> int:
    """The sort of all of them; SUBJECT where they differ, or where a letter says which of them stands there."""
    sorts = {sort for _, _, _, sort, _ in usages}
    lettered = any(letter for _, letter, *_ in usages)
    return sorts.pop() if len(sorts) == 1 and not (lettered and sorts == {SOMEBODY}) else SUBJECT


def _sort(role: Role) -> int:
    if role <= Role.HINT:
        return SUBJECT
    if role is Role.NOT:
        return MASK
    return SOMEBODY if role in PEOPLE else ABOUT


def make_triggers() -> defaultdict[str, list[Trigger]]:
    """By the string that starts them."""
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

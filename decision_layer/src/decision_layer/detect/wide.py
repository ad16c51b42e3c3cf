"""Numbers whose groups are held apart by signs that as a rule part one number from the next: "010170,1234".

A list of amounts passes a check digit as often as any number, so more has to speak for them: the usual groups with the
same sign between all of them, and a strong check or a word beside.
"""

from __future__ import annotations

import re

from decision_layer.detect.context import beside
from decision_layer.detect.digits import KINDS, cpr_without_check
from decision_layer.detect.hits import Hits

_SIGNS = r",:;|*+~=\\"
BEHIND = frozenset("-\n,:;|*+~=\\")  # what may stand behind the first group, or behind its space
_BETWEEN = re.compile(rf" ?[{_SIGNS}] ?|-\n|\n-")
_MOST = 19  # digits of a card, one by one
_DIGITS = "0123456789"
# A date or a fixed beginning, and a check that few numbers pass: they need no word beside them.
_STRONG = frozenset(("dk.cpr", "fr.nir", "no.fodselsnummer", "ch.ahv"))
_NAMED = ("card", *_STRONG)
_FIRST = frozenset(
    {1, *(shape[0] for kinds in KINDS.values() for kind in kinds for shape in kind.shapes if not kind.weak)}
)
_AMOUNTS = ","  # between groups of three it makes thousands


def scan_apart(text: str, lower: str, start: int, end: int, hits: Hits) -> None:
    """The number whose first group ends the run of digits [start, end), if it goes on behind such a sign."""
    between = _BETWEEN.match(text, end)
    if between is None or not text[between.end() : between.end() + 1].isdigit():
        return
    sign = between[0]
    first = start + len(text[start:end].rstrip(_DIGITS))
    if text.endswith(sign, 0, first) and text[first - len(sign) - 1 : first - len(sign)].isdigit():
        return  # inside a longer list
    if end - first not in _FIRST:
        return
    groups, stop = _groups(text, first, sign)
    number = "".join(groups)
    if groups[-1] == "" or len(groups) < 2 or len(number) > _MOST:
        return
    shape = tuple(map(len, groups)) if len(number) > len(groups) else (len(number),)
    for kind in KINDS.get(len(number), ()):
        if not kind.weak and shape in kind.shapes and kind.valid(number):
            sure = kind.name in _STRONG and sign.startswith(" ") == sign.endswith(" ")  # ", " is that of any list
            named = sign.strip() != _AMOUNTS or kind.name in _NAMED
            if sure or (named and beside(kind.name, lower, first, stop)):
                hits.add(kind.name, number)
    if len(number) == 10 and cpr_without_check(text, lower, first, stop, shape, number):
        hits.add("dk.cpr", number)


def _groups(text: str, first: int, sign: str) -> tuple[list[str], int]:
    """The groups that `sign` parts, and where the last of them ends; an empty one ends the list, none is too long."""
    groups: list[str] = []
    at = first
    while len(groups) <= _MOST:
        digits = text[at : at + _MOST + 1]
        size = len(digits) - len(digits.lstrip(_DIGITS))
        groups.append(digits[:size])
        at += size
        if size == 0 or not text.startswith(sign, at) or not text[at + len(sign) : at + len(sign) + 1].isdigit():
            break
        at += len(sign)
    return groups, at

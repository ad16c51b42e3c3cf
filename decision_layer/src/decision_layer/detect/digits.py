"""Identifiers made of digits: every run of digits is cut into its groups once, and dispatched by how many there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

from decision_layer.detect import checksums, dates
from decision_layer.detect.context import alone, beside
from decision_layer.detect.hits import Hits

# Up to three separators between digits (" - ", " ("). No line break: columns of numbers are no number.
CLUSTER = re.compile(r"\d++(?:[-./_ ()]{1,3}\d++)*+")
_GROUP = re.compile(r"\d+")
_MARKED = bytes(48 if chr(n) in "0123456789" else 32 for n in range(256))
Shape = tuple[int, ...]


class Kind(NamedTuple):
    """One identifier: `weak` ones need a word beside them, their usual grouping, or a line of their own."""

    name: str
    valid: Callable[[str], bool]
    shapes: frozenset[Shape]
    weak: bool = False
    telling: frozenset[Shape] = frozenset()


def _kind(
    name: str, valid: Callable[[str], bool], *shapes: Shape, weak: bool = False, telling: tuple[Shape, ...] = ()
) -> Kind:
    return Kind(name, valid, frozenset(shapes) | frozenset(telling), weak, frozenset(telling))


def _swedish10(n: str) -> bool:
    return dates.mmdd(n[2:6]) and checksums.luhn(n)


def _swedish12(n: str) -> bool:
    return n[:2] in ("18", "19", "20") and dates.mmdd(n[4:8]) and checksums.luhn(n[2:])


def _card(n: str) -> bool:
    """ISO/IEC 7812 ranges by the first digits: Visa, Mastercard, Amex, Diners, Discover, JCB, UnionPay, Maestro."""
    two, four = int(n[:2]), int(n[:4])
    known = (
        (n[0] == "4" and len(n) in (13, 16, 19))
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and len(n) == 16)
        or (two in (34, 37) and len(n) == 15)
        or ((two in (36, 38, 39) or 3000 <= four <= 3059) and len(n) in (14, 16))
        or (two in (35, 60, 62, 64, 65, 81) and len(n) >= 16)
        or ((two in (50, 67, 63) or 56 <= two <= 58) and 13 <= len(n) <= 19)
    )
    return known and len(set(n)) > 1 and checksums.luhn(n)


def _nir(n: str) -> bool:
    month = int(n[3:5])
    return n[0] in "123478" and (1 <= month <= 12 or 20 <= month <= 42 or month >= 50) and checksums.fr_nir(n)


def _siret(n: str) -> bool:
    return checksums.luhn(n) and checksums.luhn(n[:9]) and n[0] != "0"


def _cpr_mod11(n: str) -> bool:
    return dates.ddmm(n) and checksums.dk_cpr(n)


KINDS: dict[int, tuple[Kind, ...]] = {
    8: (_kind("dk.cvr", checksums.dk_cvr, (8,), (2, 2, 2, 2), (4, 4), (2, 3, 3), weak=True),),
    9: (
        _kind("nl.bsn", checksums.nl_bsn, (9,), (3, 3, 3), weak=True, telling=((4, 2, 3),)),
        _kind("fr.siren", checksums.luhn, (9,), (3, 3, 3), weak=True),
        _kind("no.orgnr", checksums.no_orgnr, (9,), (3, 3, 3), weak=True),
    ),
    10: (
        _kind("dk.cpr", _cpr_mod11, (10,), (6, 4)),
        _kind("se.personnummer", _swedish10, (10,), (6, 4)),
        _kind("se.orgnr", lambda n: n[2] >= "2" and checksums.luhn(n), (10,), (6, 4), weak=True),
        _kind("at.svnr", lambda n: dates.austrian(n[4:8]) and checksums.at_svnr(n), (10,), (4, 6), (4, 2, 2, 2)),
        _kind("gb.nhs", checksums.gb_nhs, (10,), weak=True, telling=((3, 3, 4),)),
        _kind("gb.utr", checksums.gb_utr, (10,), (5, 5), weak=True),
    ),
    11: (
        _kind("de.steuer_id", checksums.de_steuer_id, (11,), (2, 3, 3, 3)),
        _kind(
            "no.fodselsnummer", lambda n: dates.norwegian(n) and checksums.no_person(n), (11,), (6, 5), (2, 2, 2, 3, 2)
        ),
    ),
    12: (_kind("se.personnummer", _swedish12, (12,), (8, 4)),),
    13: (_kind("ch.ahv", lambda n: n.startswith("756") and checksums.ean13(n), (13,), (3, 4, 4, 2)),),
    14: (_kind("fr.siret", _siret, (14,), (3, 3, 3, 5), (9, 5)),),
    15: (_kind("fr.nir", _nir, (15,), (13, 2), (1, 2, 2, 2, 3, 3, 2)),),
}
_CARD_SHAPES = ((4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (8, 8), (6, 10))
for _n in range(13, 20):
    KINDS[_n] = (*KINDS.get(_n, ()), _kind("card", _card, (_n,), *(s for s in _CARD_SHAPES if sum(s) == _n)))

_LENGTHS = frozenset(KINDS)
_SHAPES = frozenset(shape for kinds in KINDS.values() for kind in kinds for shape in kind.shapes)
_PREFIXES = frozenset(shape[:n] for shape in _SHAPES for n in range(1, len(shape) + 1))
_MAX_GROUPS = max(map(len, _SHAPES))


def clusters(text: str) -> Iterator[re.Match[str]]:
    """Runs of digits with their separators, left to right, not overlapping; `text` is folded, so digits are ASCII."""
    marked = text.encode("latin-1", "replace").translate(_MARKED)  # bytes are searched ten times faster
    end = 0
    while (at := marked.find(b"0", end)) >= 0 and (match := CLUSTER.match(text, at)):
        yield match
        end = match.end()


def scan_cluster(text: str, lower: str, start: int, end: int, hits: Hits) -> bool:
    """Every identifier that is the whole run, or a stretch of its groups that is shaped like one; if any was."""
    groups = [(m.start(), m.end()) for m in _GROUP.finditer(text, start, end)]
    sizes = [e - s for s, e in groups]
    if sum(sizes) < 8:
        return False
    even = len({text[a[1] : b[0]] for a, b in pairwise(groups)}) <= 1
    shape = tuple(sizes)
    found = False
    if even and shape not in _SHAPES and sum(sizes) in _LENGTHS:
        found = _try(text, lower, groups, shape, True, hits)
    for first in range(len(groups)):
        for last in range(first + 1, min(first + _MAX_GROUPS, len(groups)) + 1):
            shape = tuple(sizes[first:last])
            if shape not in _PREFIXES:
                break
            if shape in _SHAPES:
                found |= _try(text, lower, groups[first:last], shape, last - first == len(groups), hits)
    return found


def _try(text: str, lower: str, groups: list[tuple[int, int]], shape: Shape, whole: bool, hits: Hits) -> bool:
    start, end = groups[0][0], groups[-1][1]
    number = "".join([text[s:e] for s, e in groups])
    glued = _is_letter(text, start - 1) or _is_letter(text, end)
    even = len({text[a[1] : b[0]].strip() for a, b in pairwise(groups)}) <= 1
    found = False
    for kind in KINDS[len(number)]:
        shaped = shape in kind.shapes
        if not (shaped or whole) or not kind.valid(number):
            continue
        telling = shape in kind.telling
        sure = not glued and even and (shaped or len(shape) == len(number)) and (not kind.weak or telling)
        if sure or beside(kind.name, lower, start, end) or (kind.weak and whole and alone(text, start, end)):
            hits.add(kind.name, number)
            found = True
    if len(number) == 10 and not glued and cpr_without_check(text, lower, start, end, shape, number):
        hits.add("dk.cpr", number)
        found = True
    return found


def cpr_without_check(text: str, lower: str, start: int, end: int, shape: Shape, number: str) -> bool:
    """Numbers given out since 2007 need not pass modulus 11: the date and either the dash or a word must say so."""
    if not dates.ddmm(number) or shape not in ((10,), (6, 4)):
        return False
    dashed = text[start + 6 : end - 4].strip() == "-"
    return dashed or beside("dk.cpr", lower, start, end)


def _is_letter(text: str, at: int) -> bool:
    return 0 <= at < len(text) and text[at].isalpha()

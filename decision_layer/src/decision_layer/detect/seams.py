"""Where one text of a message goes on in the next, as a model reads it: a number or an address may be cut there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise

from decision_layer.parts import Part

_REACH = 80  # characters on either side; no identifier is longer, even with a space behind each character
# Where the texts stand that a model is given one behind the other; cells, arguments and other fields are apart.
_PLACE = re.compile(r"messages\[\d+\]|input\[\d+\](?=\.\w+[.\[])|input(?=\[)|system|prediction")
_FIELDS = frozenset(("text", "content", "thinking", "refusal", "data"))


def seams(parts: Iterable[Part]) -> Iterator[str]:
    """The text around each seam; seams that are near to each other make one piece."""
    for texts in _messages(parts).values():
        if len(texts) > 1:
            yield from _around("".join(texts), list(accumulate(map(len, texts)))[:-1])


def wholes(parts: Iterable[Part]) -> Iterator[tuple[str, str]]:
    """Where several texts stand that are read as one, and that one."""
    for place, texts in _messages(parts).items():
        if len(texts) > 1:
            yield place, "".join(texts)


def _messages(parts: Iterable[Part]) -> dict[str, list[str]]:
    """The texts of each message, or list of system texts, in their order."""
    found: dict[str, list[str]] = {}
    for before, part in pairwise((None, *parts)):
        place = _place(part.where) if part is not None and part.text else ""
        if part is not None and place and part != before:  # a text file's text comes twice
            found.setdefault(place, []).append(part.text)
    return found


def _place(where: str) -> str:
    if where.rpartition(".")[2] not in _FIELDS or "(" in where:
        return ""
    match = _PLACE.match(where)
    return match[0] if match else ""


def _around(whole: str, cuts: list[int]) -> Iterator[str]:
    start = stop = -1
    for cut in cuts:
        if cut - _REACH > stop and stop >= 0:
            yield whole[start:stop]
            start = -1
        start = max(0, cut - _REACH) if start < 0 else start
        stop = min(len(whole), cut + _REACH)
    yield whole[start:stop]

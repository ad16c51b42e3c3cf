"""What a request carries, piece by piece: the walkers make these, the detectors read them."""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, frozen=True):
    """One piece of text of a request, wherever it stood.

    `where` is its JSON path in the body ("messages[2].content[0].text"); `role` is system, user, assistant, tool or "".
    """

    text: str
    role: str
    where: str


class Finding(msgspec.Struct, frozen=True):
    """What a detector found: its kind ("iban", "dk.cpr", "art9.health") and how often. Never the value."""

    kind: str
    count: int

"""What walkers make besides parts, and why they refuse a body."""

from __future__ import annotations

import msgspec

from decision_layer.errors import DecisionLayerError
from decision_layer.parts import Part


class Opaque(msgspec.Struct, frozen=True):
    """What cannot be read here: an image, a sound, a PDF, token numbers, something stored or a tool run elsewhere.

    `media_type` is the MIME type where the request says one, else "image/*", "audio/*", "x-tokens", "x-reference" or
    "x-tool".
    """

    where: str
    media_type: str
    name: str


class Walked(msgspec.Struct, frozen=True):
    """A whole body: its texts and what could not be read."""

    parts: tuple[Part, ...]
    opaque: tuple[Opaque, ...]


class WalkError(DecisionLayerError):
    """A body that cannot be searched in full; the request stays at home or is refused."""


class UnknownPartError(WalkError):
    """A part, item, role or shape that no walker knows."""


class MalformedTextError(WalkError):
    """A text with NUL, or a lone surrogate, or bytes that are not UTF-8, or a body that is not JSON."""


class TooDeepError(WalkError):
    """Nested deeper than DEPTH."""

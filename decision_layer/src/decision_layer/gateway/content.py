"""What the content of a request holds. Any fault on the way is a doubt, and doubt stays at home."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from decision_layer.detect.scan import scan
from decision_layer.gateway.alarm import ALARM, TookTooLong
from decision_layer.gateway.paths import PATHS
from decision_layer.gateway.scanner import Scanner, ScannerLostError
from decision_layer.parts import Finding, Part
from decision_layer.policy.shape import Limits
from decision_layer.walk import (
    WALKERS,
    MalformedTextError,
    TooDeepError,
    UnknownPartError,
    WalkError,
    collect,
)

log = logging.getLogger(__name__)
INLINE_CHARS = 16_384
"""Longer texts are read by another process alone (scanner.py), so that others do not wait."""
INLINE_SECONDS = 0.5
"""A hundred times what such a text takes; then it is given up, since everybody waits for it."""


_FORMS = {
    UnknownPartError: "content of an unknown form",
    MalformedTextError: "a text that is malformed",
    TooDeepError: "content that is nested too deep",
}
_MESSAGE = re.compile(r"(?:messages|input)\[\d+\]")
"""The part of a walker's path that is never of the client's own words."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """`doubt` says why the content could not be judged; `detection` is the audit record's word for it."""

    findings: tuple[Finding, ...] = ()
    opaque: bool = False
    doubt: str = ""
    detection: str = "complete"
    chars: int = 0
    parts: tuple[Part, ...] = ()
    """What was read, for the second stage; never kept."""


async def look(endpoint: str, body: dict[str, Any], limits: Limits, scanner: Scanner | None = None) -> Seen:
    """Never raises for what the content does, and never takes longer than the policy allows."""
    try:
        walked = collect(WALKERS[PATHS[endpoint]], body)
    except WalkError as error:
        return Seen(doubt=_tell(error), detection="unknown_part")
    except Exception:
        log.exception("a walker failed")
        return Seen(doubt="the request could not be read", detection="error")
    chars = sum(len(part.text) for part in walked.parts)
    opaque = bool(walked.opaque)
    if chars > limits.text_chars:
        return Seen(opaque=opaque, doubt="more text than the detectors read", detection="over_length", chars=chars)
    try:
        findings = await _find(walked.parts, limits.detection_seconds, scanner, long=chars > INLINE_CHARS)
    except (TimeoutError, TookTooLong):
        return Seen(opaque=opaque, doubt="the detectors took too long", detection="timeout", chars=chars)
    except Exception:
        log.exception("a detector failed")
        return Seen(opaque=opaque, doubt="a detector failed", detection="error", chars=chars)
    return Seen(findings=findings, opaque=opaque, chars=chars, parts=tuple(walked.parts))


async def _find(parts: Sequence[Part], limit_s: float, scanner: Scanner | None, *, long: bool) -> tuple[Finding, ...]:
    """Here, or by the other process where that is better."""
    if scanner is not None and long:
        return await scanner.scan_long(parts, limit_s)
    seconds = min(INLINE_SECONDS, limit_s)
    if scanner is not None and scanner.is_better():
        with contextlib.suppress(ScannerLostError):
            return await scanner.scan(parts, seconds, limit_s)
    with ALARM.after(seconds):
        return scan(parts)


def _tell(error: WalkError) -> str:
    """For a record that everybody may read: the error's own words and its path can hold what the client wrote."""
    form = _FORMS.get(type(error), "content that cannot be searched")
    place = _MESSAGE.match(error.where)
    return f"{form} in {place.group()}" if place else form

"""What the last verification of the whole record found, noted in a file that the gateway's metrics read.

The note proves nothing: whoever can change the log can write it too. It tells the firm's own monitoring that the
nightly verification runs, and what it found.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from decision_layer.audit.record import Count
from decision_layer.audit.verify import Report

LAST = Path("verified", "last.json")
"""Below the gateway's state: a folder of its own, the only one that the verification may write to."""


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """`at` in seconds since 1970; `troubles` is 0 where the record was whole."""

    at: Count
    entries: Count
    troubles: Count


def note(path: Path, report: Report, now: float | None = None) -> None:
    """OSError where it cannot be written; the former one then stays."""
    said = Verified(at=int(time.time() if now is None else now), entries=report.entries, troubles=len(report.troubles))
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(msgspec.json.encode(said) + b"\n")
    fresh.rename(path)


def read(path: Path) -> Verified | None:
    """None where none was noted yet, or what is there cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Verified)
    except (OSError, msgspec.MsgspecError):
        return None

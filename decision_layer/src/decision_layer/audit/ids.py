"""Record ids that sort by time: UUID version 7 (RFC 9562 section 5.7), which Python 3.11 does not have."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

_lock = threading.Lock()
_last_ms = 0
_counter = 0
_DRAWN = 512
"""Ids whose random parts are drawn at once: a call of the system for each would cost more than all else here."""


def _draw() -> Iterator[int]:
    while True:
        drawn = os.urandom(8 * _DRAWN)
        yield from (int.from_bytes(drawn[at : at + 8], "big") for at in range(0, len(drawn), 8))


_random = _draw()


def record_id() -> str:
    """A new id; within one process each is greater than the one before, also when the clock steps back."""
    global _last_ms, _counter
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _last_ms:
            _last_ms, _counter = now, next(_random) & 0xFF
        else:
            _counter += 1
            if _counter > 0xFFF:  # the 12 bits after the version hold the counter (RFC 9562 section 6.2, method 1)
                _last_ms, _counter = _last_ms + 1, 0
        millis, count, tail = _last_ms, _counter, next(_random) >> 2
    digits = f"{millis << 80 | 0x7 << 76 | count << 64 | 0b10 << 62 | tail:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

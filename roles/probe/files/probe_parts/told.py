"""How this probe tells things: one-line errors, times, sizes."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]
MIB = 1 << 20


def describe(error: BaseException) -> str:
    """One line; an OSError's own text already names the file or the reason."""
    text = str(error) or type(error).__name__
    kind = "" if isinstance(error, (OSError, ValueError)) else f"{type(error).__name__}: "
    return (kind + " ".join(text.split()))[:500]


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")  # noqa: UP017


def read_boot_id() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None

"""The cards just before an engine loads: written by its unit, read back later."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
import time
from pathlib import Path

from probe_parts.cards import observe_gpu
from probe_parts.told import Json, describe, now, read_boot_id

MAX_NOTE = 1 << 20


def observe_gpu_before() -> Json:
    """What `vram_before` later reads back: the cards, and when they were so."""
    return {
        "format": 1,
        "taken_at": now(),
        "boot_id": read_boot_id(),
        "monotonic_us": time.monotonic_ns() // 1000,
        "gpu": observe_gpu(),
    }


def observe_vram_before(entry: Json) -> Json:
    found: Json = {"engine": entry["engine"], "path": entry["path"], "error": None}
    try:
        document = json.loads(read_note(entry["path"]))
        if not isinstance(document, dict) or document.get("format") != 1:
            raise ValueError("not written by this probe")
        found.update({key: document[key] for key in ("taken_at", "boot_id", "monotonic_us", "gpu")})
    except Exception as error:
        found["error"] = describe(error)
    return found


def read_note(path: str) -> str:
    """A regular file and nothing that stands in for one: its folder may belong to the engine's user. Raises OSError."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8") as source:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise ValueError(f"{path} is no regular file")
        return source.read(MAX_NOTE)


def write_file(path: str, text: str) -> None:
    """Whole or not at all. The unit starts even where this note cannot be written; the reader then says so."""
    target = Path(path)
    try:
        with tempfile.NamedTemporaryFile("w", dir=target.parent, prefix=f".{target.name}.", delete=False) as out:
            temporary = Path(out.name)
            out.write(text)
        temporary.chmod(0o644)
        temporary.replace(target)
    except OSError as error:
        print(f"provision_probe: {path} not written: {describe(error)}", file=sys.stderr)

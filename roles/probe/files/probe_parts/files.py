"""Small files: written whole or not at all, read without being fooled."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

from probe_parts.told import describe

MAX_NOTE = 1 << 20


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

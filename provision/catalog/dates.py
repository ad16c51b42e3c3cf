"""Since when the catalogue's facts are known: its data files say it in their heads."""

from __future__ import annotations

import re
from pathlib import Path

_MODELS = Path(__file__).parent / "data" / "models"
_LOOKED_UP = re.compile(r"^# .*licences, .* looked up (\d{4}-\d{2}-\d{2})", re.MULTILINE)


def find_lookup_date(folder: Path = _MODELS) -> str:
    """When the models' licences were looked up: the oldest day of all files, else 'date not recorded'."""
    heads = [_LOOKED_UP.search(path.read_text(encoding="utf-8")[:2000]) for path in sorted(folder.glob("*.yml"))]
    days = [head[1] for head in heads if head]
    return min(days) if days and len(days) == len(heads) else "date not recorded"

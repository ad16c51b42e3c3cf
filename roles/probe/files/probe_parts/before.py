"""The cards just before an engine loads, as its unit's ExecStartPre noted them."""

from __future__ import annotations

import json

from probe_parts.files import read_note
from probe_parts.told import Json, describe


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

"""What a llama.cpp server logged while it loaded: memory per device."""

from __future__ import annotations

import itertools
import re
import subprocess
from pathlib import Path

from probe_parts.told import Json, describe

BUFFER = re.compile(r"(\S+)\s+(model|KV|RS|compute|output) buffer size\s*=\s*([0-9]+(?:\.[0-9]+)?) MiB")
KINDS = {"model": "model", "KV": "kv", "RS": "recurrent", "compute": "compute", "output": "output"}
OFFLOADED = re.compile(r"offloaded (\d+)/(\d+) layers to GPU")
LOAD_STARTS = "llama_model_loader: loaded meta data"
MAX_LOG_LINES = 20_000


def observe_load(shown: dict[str, str], error: str | None, log_file: str | None) -> Json:
    try:
        text = read_log(shown, error, log_file)
    except Exception as problem:
        return {"buffers": [], "error": describe(problem)}
    return parse_load(text)


def read_log(shown: dict[str, str], error: str | None, log_file: str | None) -> str:
    """What the engine wrote since its current start: the journal of that invocation, or its log file."""
    if log_file:
        return Path(log_file).read_text(encoding="utf-8", errors="replace")
    if error or not shown.get("InvocationID"):
        raise ValueError(error or "the unit never ran since boot")
    argv = ["journalctl", "--no-pager", "--quiet", "--output=cat", f"_SYSTEMD_INVOCATION_ID={shown['InvocationID']}"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace"
    ) as child:
        assert child.stdout is not None  # noqa: S101 (PIPE above)
        lines = list(itertools.islice(child.stdout, MAX_LOG_LINES))
        child.kill()
    return "".join(lines)


def parse_load(text: str) -> Json:
    """The memory lines of the last load in a log."""
    last = text.rpartition(LOAD_STARTS)[2]
    buffers = [{"device": device, "kind": KINDS[kind], "mib": float(mib)} for device, kind, mib in BUFFER.findall(last)]
    layers = OFFLOADED.search(last)
    return {
        "buffers": buffers,
        "layers_offloaded": int(layers[1]) if layers else None,
        "layers_total": int(layers[2]) if layers else None,
        "error": None,
    }

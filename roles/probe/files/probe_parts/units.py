"""systemd units, as systemctl shows them."""

from __future__ import annotations

from probe_parts.commands import run
from probe_parts.told import MIB, Json, describe

TEXTS = {
    "LoadState": "load_state",
    "ActiveState": "active_state",
    "SubState": "sub_state",
    "Result": "result",
    "UnitFileState": "unit_file_state",
    "User": "user",
}
# systemd says 0 for no process and for never.
NUMBERS = {
    "MainPID": "main_pid",
    "ActiveEnterTimestampMonotonic": "active_enter_monotonic_us",
    "ActiveEnterTimestamp": "active_enter_unix_s",
    "ExecMainStartTimestampMonotonic": "exec_main_start_monotonic_us",
    "ExecMainStartTimestamp": "exec_main_start_unix_s",
}


def observe_units(names: list[str]) -> list[Json]:
    """All units in one call; should it fail, each says so."""
    if not names:
        return []
    names = [str(name) for name in names]
    try:
        blocks = [show_unit(block) for block in show_units(names)]
        if len(blocks) != len(names):
            raise ValueError(f"systemctl told of {len(blocks)} units, asked for {len(names)}")
    except Exception as error:
        return [{"name": name, "error": describe(error)} for name in names]
    return [{"name": name, **blocks[index]} for index, name in enumerate(names)]


def show_units(names: list[str]) -> list[dict[str, str]]:
    wanted = ",".join([*TEXTS, *NUMBERS, "NRestarts", "MemoryCurrent", "InvocationID"])
    text = run(["systemctl", "show", "--timestamp=unix", f"--property={wanted}", "--", *names])
    blocks = [block for block in text.split("\n\n") if block.strip()]
    return [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]


def show_unit(shown: dict[str, str]) -> Json:
    unit: Json = {ours: shown.get(theirs) or None for theirs, ours in TEXTS.items()}
    if unit["load_state"] == "loaded":
        unit["user"] = unit["user"] or "root"
    for theirs, ours in NUMBERS.items():
        value = shown.get(theirs, "").lstrip("@")
        unit[ours] = int(value) or None if value.isdigit() else None
    restarts = shown.get("NRestarts", "")
    unit["restarts"] = int(restarts) if restarts.isdigit() else None
    memory = shown.get("MemoryCurrent", "")
    unit["memory_mib"] = int(memory) // MIB if memory.isdigit() and int(memory) < 1 << 60 else None
    unit["error"] = None
    return unit

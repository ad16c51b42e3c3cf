"""systemd units, as systemctl shows them."""

from __future__ import annotations

from probe_parts.commands import run
from probe_parts.process import read_owner
from probe_parts.told import MIB, Json, describe
from probe_parts.unit_files import find_newest, list_files

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
OTHERS = ("NRestarts", "MemoryCurrent", "InvocationID", "StateChangeTimestamp", "CanReload", "ReloadResult")
FILES = ("FragmentPath", "DropInPaths", "ExecStart", "ExecStartPost")


def observe_units(names: list[str]) -> list[Json]:
    """All units in one call; should it fail, each says so."""
    if not names:
        return []
    names = [str(name) for name in names]
    try:
        blocks = show_units(names)
        if len(blocks) != len(names):
            raise ValueError(f"systemctl told of {len(blocks)} units, asked for {len(names)}")
        return [show_unit(name, blocks[index]) for index, name in enumerate(names)]
    except Exception as error:
        return [{"name": name, "error": describe(error)} for name in names]


def show_units(names: list[str]) -> list[dict[str, str]]:
    wanted = ",".join([*TEXTS, *NUMBERS, *OTHERS, *FILES])
    text = run(["systemctl", "show", "--timestamp=unix", f"--property={wanted}", "--", *names])
    blocks = [block for block in text.split("\n\n") if block.strip()]
    return [parse_block(block) for block in blocks]


def parse_block(block: str) -> dict[str, str]:
    """One unit's properties. A unit with several commands of one kind has a line for each: they are kept together."""
    shown: dict[str, str] = {}
    for line in block.splitlines():
        name, separator, value = line.partition("=")
        if separator:
            shown[name] = f"{shown[name]}\n{value}" if name in shown else value
    return shown


def show_unit(name: str, shown: dict[str, str]) -> Json:
    unit: Json = {"name": name, **{ours: shown.get(theirs) or None for theirs, ours in TEXTS.items()}}
    if unit["load_state"] == "loaded":
        unit["user"] = unit["user"] or "root"
    for theirs, ours in NUMBERS.items():
        unit[ours] = read_number(shown, theirs)
    unit["process_user"] = read_owner(unit["main_pid"]) if unit["main_pid"] else None
    unit["config_changed_unix_s"], unit["config_changed_path"] = find_newest(list_files(name, shown))
    unit["config_read_unix_s"] = read_moment(shown)
    restarts = shown.get("NRestarts", "")
    unit["restarts"] = int(restarts) if restarts.isdigit() else None
    memory = shown.get("MemoryCurrent", "")
    unit["memory_mib"] = int(memory) // MIB if memory.isdigit() and int(memory) < 1 << 60 else None
    unit["error"] = None
    return unit


def read_number(shown: dict[str, str], name: str) -> int | None:
    value = shown.get(name, "").lstrip("@")
    return int(value) or None if value.isdigit() else None


def read_moment(shown: dict[str, str]) -> int | None:
    """When the process last read its configuration.

    systemd keeps no time of a reload, but a reload changes the unit's state and nothing else does while it runs.
    """
    if shown.get("CanReload") == "yes" and shown.get("ReloadResult") == "success":
        return read_number(shown, "StateChangeTimestamp")
    return read_number(shown, "ExecMainStartTimestamp")

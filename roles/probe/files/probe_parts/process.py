"""One running process, from /proc."""

from __future__ import annotations

import pwd
import re
from pathlib import Path

from probe_parts.told import Json, describe

PROC = Path("/proc")
SECRET = re.compile(r"^--?[a-z-]*(key|token|password|secret)$")


def observe_process(shown: dict[str, str], error: str | None) -> Json:
    pid = int(shown.get("MainPID", "0") or 0)
    found: Json = {"pid": pid or None, "cuda_visible_devices": None, "arguments": [], "error": error}
    if not pid:
        found["error"] = error or "the unit has no running process"
        return found
    folder = PROC / str(pid)
    try:
        status = dict(line.split(":\t", 1) for line in (folder / "status").read_text().splitlines() if ":\t" in line)
        found["user"] = user_name(int(status["Uid"].split()[0]))
        found["rss_mib"] = int(status["VmRSS"].split()[0]) >> 10
        found["rss_file_mib"] = int(status["RssFile"].split()[0]) >> 10
        found["arguments"] = redact(split_zero(folder / "cmdline"))
        variables = dict(text.split("=", 1) for text in split_zero(folder / "environ") if "=" in text)
        found["cuda_visible_devices"] = variables.get("CUDA_VISIBLE_DEVICES")
    except Exception as problem:
        found["error"] = describe(problem)
    return found


def read_owner(pid: int | None) -> str | None:
    """The effective user of a process; None where there is none (any more)."""
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return None
    match = re.search(r"^Uid:\t\d+\t(\d+)", status, re.MULTILINE)
    return user_name(int(match[1])) if match else None


def split_zero(path: Path) -> list[str]:
    return [part.decode("utf-8", "replace") for part in path.read_bytes().split(b"\0")[:-1]]


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def redact(arguments: list[str]) -> list[str]:
    """Secrets have no place in arguments; should one be there, it does not go further."""
    told, hide = [], False
    for argument in arguments:
        name, separator, _ = argument.partition("=")
        secret = bool(SECRET.match(name))
        told.append("[redacted]" if hide else f"{name}=[redacted]" if secret and separator else argument)
        hide = secret and not separator
    return told

"""The files that a unit's running process must have read, and when the newest of them was changed.

All of it is told by systemd or lies where this stack puts it; nothing has to be listed for the probe.
"""

from __future__ import annotations

import re
from pathlib import Path

ETC = Path("/etc")
RELEASE_LINK = re.compile(r"(/[^\s;]+/current)(?=/)")
# Left by editors and by dpkg and ucf, which put a package's own version beside a changed file: nothing reads them.
LEFTOVER = re.compile(r"^\.|~$|\.(dpkg|ucf)-[a-z]+$|\.(bak|swp)$")


def list_files(unit: str, shown: dict[str, str], etc: Path = ETC) -> list[Path]:
    """Unit file, drop-ins, the link to the release it starts from, its own files under /etc."""
    named = [shown.get("FragmentPath", ""), *shown.get("DropInPaths", "").split()]
    named += RELEASE_LINK.findall(shown.get("ExecStart", ""))[:1]
    # The unit writes these itself, after its start: caddy.service hands out its CA's root so.
    written = shown.get("ExecStartPost", "").split()
    own = [path for path in list_own_files(unit, etc) if str(path) not in written]
    return [Path(path) for path in named if path] + own


def list_own_files(unit: str, etc: Path) -> list[Path]:
    """All below /etc/<service>; of a template's instance only its own, not those of its siblings.

    llama-cpp@chat.service has /etc/llama-cpp/chat.*, and postgresql@15-main.service has what its unit calls
    /etc/postgresql/%I: /etc/postgresql/15/main.
    """
    service, at, instance = unit.rpartition(".")[0].partition("@")
    folder = etc / service
    if not at:
        found = list(folder.rglob("*"))
    else:
        found = [*folder.glob(f"{instance}.*"), *(folder / instance.replace("-", "/")).rglob("*")]
    return [path for path in found if path.is_file() and not LEFTOVER.search(path.name)]


def find_newest(files: list[Path]) -> tuple[int | None, str | None]:
    """Whole seconds since 1970 and the path. Of a link the moment it was switched counts."""
    newest: tuple[int | None, str | None] = (None, None)
    for path in files:
        try:
            changed = int(path.lstat().st_mtime)
        except OSError:
            continue  # gone since it was listed
        if newest[0] is None or changed > newest[0]:
            newest = (changed, str(path))
    return newest

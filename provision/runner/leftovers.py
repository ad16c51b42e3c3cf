"""End what a killed run left running on the controller.

`kill -9` of provision leaves its ansible-playbook and its workers alive for a while; they would race with the next run.
Every process of a run carries the workspace's folder in its environment, so that only our own are found.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

MARKER = "PROVISION_RUN_WORKSPACE"


def end_leftovers(workspace_folder: Path) -> int:
    """Kill processes of earlier runs on this workspace; how many there were. Call it only with the lock held."""
    wanted = f"{MARKER}={workspace_folder}".encode()
    ended = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        if _belongs(entry, wanted):
            try:
                os.kill(int(entry.name), signal.SIGKILL)
                ended += 1
            except ProcessLookupError:
                continue
    return ended


def _belongs(entry: Path, wanted: bytes) -> bool:
    try:
        environment = (entry / "environ").read_bytes().split(b"\0")
        command = (entry / "cmdline").read_bytes()
    except OSError:
        return False
    # A persistent ssh connection ("ssh: ... [mux]") does nothing by itself, and the next run can use it.
    return wanted in environment and b"[mux]" not in command

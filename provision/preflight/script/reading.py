"""How the script reads: programs with fixed arguments, and files. Neither this module nor those beside it write.

Standard library only, Python >= 3.9: these modules run on the node (sent over ssh as one text).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(os.environ.get("PROVISION_NODE_ROOT", "/"))
"""Another root is examined only where the lab's node says so: this machine's kernel has no NVIDIA driver to ask."""
TIMEOUT_S = 30
ENVIRONMENT = {
    # A login without a terminal may lack the sbin folders; stand-ins that come first stay first.
    "PATH": os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
}
UNREAD: dict[str, str] = {}


class Unread(Exception):
    """Why a fact cannot be told."""


def run(*argv: str, codes: tuple[int, ...] = (0,)) -> str:
    shown = " ".join(argv)
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=ENVIRONMENT, timeout=TIMEOUT_S
        )
    except FileNotFoundError:
        raise Unread(f"the command {argv[0]} is missing") from None
    except subprocess.TimeoutExpired:
        raise Unread(f"'{shown}' did not end within {TIMEOUT_S} s") from None
    if done.returncode not in codes:
        said = " ".join((done.stderr or done.stdout).split())[-200:]
        raise Unread(f"'{shown}' ended with {done.returncode}: {said}")
    return done.stdout


def run_json(*argv: str) -> Any:
    return json.loads(run(*argv, "--output-format", "json"))


def place(path: str) -> Path:
    return ROOT / path.lstrip("/")


def named(path: Path) -> str:
    """The path as the node knows it."""
    return "/" + str(path.relative_to(ROOT))


def read(path: str) -> str:
    return place(path).read_text(errors="replace")


def first(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1) if found else None

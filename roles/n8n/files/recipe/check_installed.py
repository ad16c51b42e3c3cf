"""check_installed.py LOCK INSTALLED: every installed npm package stands in the lock, with the same hash.

Exit 1 and one line a package where npm resolved something by itself. Python's standard library only, >= 3.9.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def list_foreign(locked: dict[str, dict[str, str]], installed: dict[str, dict[str, str]]) -> list[str]:
    """Packages (by their path below the release) that the lock does not have, or has with another hash or none."""
    return [
        f"{path} {found.get('version')}: the lock has {locked.get(path, {}).get('version', 'nothing')} there"
        for path, found in installed.items()
        if not found.get("integrity") or locked.get(path, {}).get("integrity") != found["integrity"]
    ]


def main() -> int:
    locked, installed = (json.loads(Path(name).read_text(encoding="utf-8"))["packages"] for name in sys.argv[1:3])
    foreign = list_foreign(locked, installed)
    if foreign or not installed:
        print(*foreign, "npm resolved packages by itself: make a new lock (see build.sh)", sep="\n", file=sys.stderr)
        return 1
    print(f"{len(installed)} packages, all as locked")
    return 0


if __name__ == "__main__":
    sys.exit(main())

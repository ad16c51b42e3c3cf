"""Other programs, and this one again in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from probe_parts.told import Json, describe

PROBE = Path(__file__).resolve().parent.parent / "provision_probe.py"


def call_self(
    arguments: list[str], timeout_s: float, environment: dict[str, str] | None = None
) -> tuple[Json | None, str | None]:
    """Run the probe again; its document, or why there is none."""
    argv = [sys.executable, str(PROBE), *arguments]
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            return None, f"ended with {done.returncode}: {done.stderr.strip()[-300:]}"
        return json.loads(done.stdout), None
    except subprocess.TimeoutExpired:
        return None, f"no answer within {timeout_s:g} s"
    except (OSError, ValueError) as error:
        return None, describe(error)


def run(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise ValueError(f"{argv[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout

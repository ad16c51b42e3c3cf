"""Running one program of the system, with its failure told in three lines."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from provision.errors import SetupError

TOLD_LINES = 6


def mortal(argv: Sequence[str]) -> list[str]:
    """`argv` such that it and all that it starts die with this process, and its mounts with it.

    setpriv(1) has the kernel kill the first program when its parent ends, however it ends; unshare(1) ties
    everything else to that one by a process namespace, and keeps mounts in a namespace of their own.
    """
    death = ["setpriv", "--pdeathsig", "KILL", "--"]
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    return [*death, *namespaces, *argv]


def run(
    argv: Sequence[str],
    *,
    hint: str,
    text: str | None = None,
    source: IO[bytes] | None = None,
    log: Path | None = None,
    timeout_s: float = 600,
    environment: dict[str, str] | None = None,
) -> str:
    """Run `argv` and return its standard output.

    `text`, or the open file `source`, goes to its standard input; with `log`, both of its outputs go to that
    file instead and nothing is returned. Raises SetupError with the last lines that it wrote when it fails or
    outlasts `timeout_s` seconds.
    """
    try:
        if log is not None:
            return _run_logged(argv, hint=hint, log=log, timeout_s=timeout_s, environment=environment)
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout_s, env=environment, check=False,
            **({"stdin": source or subprocess.DEVNULL} if text is None else {"input": text}),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise SetupError(f"{argv[0]} is not installed", where="this machine", hint=hint) from error
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"no end after {timeout_s:g} s", where=" ".join(argv[:4]), hint=hint) from error
    if done.returncode != 0:
        raise SetupError(
            f"{argv[0]} failed ({done.returncode}): {_last_lines(done.stderr or done.stdout)}",
            where=" ".join(argv),
            hint=hint,
        )
    return done.stdout


def succeeds(argv: Sequence[str]) -> bool:
    """Whether `argv` runs and exits 0; what it prints is dropped."""
    try:
        return subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _run_logged(
    argv: Sequence[str], *, hint: str, log: Path, timeout_s: float, environment: dict[str, str] | None
) -> str:
    with log.open("wb") as out:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=timeout_s, env=environment, check=False
        )
    if done.returncode != 0:
        raise SetupError(
            f"{argv[0]} failed ({done.returncode}): {_last_lines(log.read_text(errors='replace'))}",
            where=f"the whole log is {log}",
            hint=hint,
        )
    return ""


def _last_lines(text: str) -> str:
    return "\n       ".join(text.strip().splitlines()[-TOLD_LINES:])

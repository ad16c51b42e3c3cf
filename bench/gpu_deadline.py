"""One limit for the whole run: every wait asks how much of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from provision.errors import RunError

_KEPT = 2000
"""Characters of a failed command's output that the error shows."""


class Deadline:
    """`seconds` from now, less `reserve` for ending a server and writing the report when time is up."""

    def __init__(self, seconds: float, reserve: float = 20.0) -> None:
        self.end = time.monotonic() + seconds - reserve

    def left(self, most: float = float("inf")) -> float:
        """Seconds that a step may take: `most`, or what is left. Raises RunError where nothing is."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise RunError(
                "the time for the whole run is up",
                where="--limit-s",
                hint="run it again: what was built is kept",
            )
        return min(left, most)


def run_command(
    argv: Sequence[str], deadline: Deadline, most: float, environment: Mapping[str, str] | None = None
) -> str:
    """The command's standard output. Raises RunError where it fails or lasts longer; its children end with it."""
    with subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    ) as child:
        try:
            output, errors = child.communicate(timeout=deadline.left(most))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            raise RunError(
                f"'{argv[0]}' was not done in its time",
                where=" ".join(argv)[:300],
                hint="a build goes on where it stopped: run it again, with a larger --limit-s or more cores",
            ) from None
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    if child.returncode != 0:
        raise RunError(
            f"'{argv[0]}' ended with {child.returncode}",
            where=" ".join(argv)[:300],
            hint=f"it said: {(errors or output)[-_KEPT:].strip()}",
        )
    return output

"""The process that reads, with a detector that fails as the text tells it.

python -m tests.gateway.spoilt_scanner FD: `raise`, `hang` (an exponential regular expression), `stand still` (no alarm
is heard), `end` (as if a library had broken its memory). With a file's name in front of FD, what stands there is done
with every text instead (spoilt.py).
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from decision_layer.detect.scan import scan as real
from decision_layer.gateway.scan_process import main
from decision_layer.parts import Finding, Part


def spoil(how: str) -> None:
    """Or do nothing, where it is none of those."""
    if how.startswith("raise"):
        raise RuntimeError("spoilt")
    if how == "stand still":
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    if how in ("hang", "hangs", "stand still"):
        re.search("(a+)+b", "a" * 60)
    if how == "slow":
        time.sleep(0.2)
    if how.startswith("end"):
        os.kill(os.getpid(), signal.SIGSEGV)


def scan(parts: Iterable[Part]) -> tuple[Finding, ...]:
    held = tuple(parts)
    for how in [Path(sys.argv[1]).read_text()] if len(sys.argv) > 2 else [part.text for part in held]:
        spoil(how)
    return real(held)


if __name__ == "__main__":
    main(scan)

"""The gateway with a detector that can be spoilt while it runs, by what stands in the file named by SPOILT.

python -m tests.gateway.spoilt serve --settings FILE. `raises`, `hangs` (an exponential regular expression), `slow`.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from decision_layer.cli import main
from decision_layer.detect import scan as real
from decision_layer.gateway import content
from decision_layer.parts import Finding, Part

HOW = Path(os.environ["SPOILT"])


def scan(parts: Iterable[Part]) -> tuple[Finding, ...]:
    how = HOW.read_text()
    if how == "raises":
        raise RuntimeError("spoilt")
    if how == "hangs":
        re.search("(a+)+b", "a" * 60)
    if how == "slow":
        time.sleep(0.2)
    return real(parts)


if __name__ == "__main__":
    content.scan = scan  # type: ignore[attr-defined]
    sys.exit(main())

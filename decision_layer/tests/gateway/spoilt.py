"""The gateway with a detector that can be spoilt while it runs, by what stands in the file named by SPOILT.

It is so in both processes that read.
python -m tests.gateway.spoilt serve --settings FILE. `raises`, `hangs` (an exponential regular expression), `slow`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from decision_layer.cli import main
from decision_layer.detect import scan as real
from decision_layer.gateway import content, scanner
from decision_layer.parts import Finding, Part
from tests.gateway.spoilt_scanner import spoil

HOW = Path(os.environ["SPOILT"])


def scan(parts: Iterable[Part]) -> tuple[Finding, ...]:
    spoil(HOW.read_text())
    return real(parts)


if __name__ == "__main__":
    content.scan = scan  # type: ignore[attr-defined]
    scanner.ARGV = (sys.executable, "-m", "tests.gateway.spoilt_scanner", str(HOW))  # type: ignore[assignment]
    sys.exit(main())

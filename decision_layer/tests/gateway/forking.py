"""Gateways that start at once: everything is imported and the vocabularies are built, then each is a fork of this.

python -m tests.gateway.forking SETTINGS: a line in starts one, its process id comes out as a line. They are killed by
the test; at the end of the input the last one is, too.
"""

from __future__ import annotations

import os
import signal
import sys

from decision_layer.cli import main
from decision_layer.detect import prepared


def run(settings: str) -> None:
    prepared()
    child = 0
    for _ in sys.stdin:
        if child:
            os.waitpid(child, 0)
        child = os.fork()
        if child == 0:
            os.close(0)
            os._exit(main(["serve", "--settings", settings]))
        print(child, flush=True)
    if child:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    run(sys.argv[1])

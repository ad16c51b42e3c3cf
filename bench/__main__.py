"""`make bench`: every measured claim, as ratios of one run."""

from __future__ import annotations

import sys

from bench import second_run

if __name__ == "__main__":
    sys.exit(second_run.main())

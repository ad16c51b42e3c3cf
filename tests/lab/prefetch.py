"""What the lab tests would build one after another, built beside the static checks, which leave a core free.

Run: .venv/bin/python -m tests.lab.prefetch   (as root; the lab tests wait for its end)
"""

from __future__ import annotations

from provision.lab.locks import held
from provision.pipeline.artifacts import gather_artifacts
from provision.pipeline.options import Options
from provision.pipeline.planning import make_plan
from provision.pipeline.stages import StageClock
from provision.places import find_cache

LOCK = find_cache() / ".prefetch.lock"


def main() -> None:
    """Raises SetupError for what cannot be built; the test that needs it then says so itself."""
    with held(LOCK):
        gather_artifacts(make_plan(Options(profile="sme-2x4090", lab=True)).plan, StageClock(print))


if __name__ == "__main__":
    main()

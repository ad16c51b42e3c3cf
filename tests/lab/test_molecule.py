"""Every role by its Molecule scenario on real LXC hosts: converge, idempotence, verify."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))


def test_every_role_but_the_shared_one_has_a_scenario() -> None:
    roles = {path.name for path in (ROOT / "roles").iterdir() if path.is_dir()}
    assert roles - {"release"} <= set(SCENARIOS)


IN_MAKE_TEST = {"caddy", "engine_front", "ollama", "qdrant"}
"""What the stack of test_stack.py does not bring up in this way; every other role is converged there, twice, and
verified, or has a test of its own beside it. `make test-all` runs all scenarios."""
BROKEN_RELEASES = ("llama_cpp", "n8n", "ollama", "open_webui")
"""Their new releases that do not work are waited for, minutes each; qdrant's stands for them in make test."""


@pytest.mark.parametrize(
    "scenario", [pytest.param(name, marks=() if name in IN_MAKE_TEST else pytest.mark.slow) for name in SCENARIOS]
)
def test_scenario(scenario: str) -> None:
    _run(scenario)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", BROKEN_RELEASES)
def test_new_releases_that_do_not_work_give_way(scenario: str) -> None:
    _run(scenario, PROVISION_SLOW="yes")


def _run(scenario: str, **environment: str) -> None:
    binaries = Path(sys.executable).parent
    path = f"{binaries}:{os.environ['PATH']}"
    done = subprocess.run(
        [str(binaries / "molecule"), "test", "-s", scenario],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-4000:]}"

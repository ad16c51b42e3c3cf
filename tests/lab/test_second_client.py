"""A second client from the same release set on the same machine: at most a third of the first one's time, no download.

The first one finds an empty cache, as on a new machine: it makes the guests' system, builds every release and
fetches the model. `-s` prints both times and their ratio. Half an hour on two free cores.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.lab_home import lab_home_folder
from tests.lab.standing import Stack

pytestmark = [pytest.mark.lab, pytest.mark.slow]

NETWORKS = {"t-first": "10.96.52.0/24", "t-second": "10.96.53.0/24"}
SHARE = 1 / 3


@contextmanager
def empty_cache() -> Iterator[Path]:
    """A `PROVISION_CACHE` of its own, which guests can enter."""
    folder = Path(tempfile.mkdtemp(prefix="provision-cache-", dir="/var/tmp"))
    folder.chmod(0o711)
    before = os.environ.get("PROVISION_CACHE")
    os.environ["PROVISION_CACHE"] = str(folder)
    try:
        yield folder
    finally:
        if before is None:
            del os.environ["PROVISION_CACHE"]
        else:
            os.environ["PROVISION_CACHE"] = before
        shutil.rmtree(folder)


def up(home: Path, client: str) -> float:
    """Seconds until the client's stack is verified; it is taken down again."""
    stack = Stack(home, ("--client", client, "--set", f"network.cidr={NETWORKS[client]}", "--lab"), client)
    made = stack.run("init", client, "--profile", "cpu-small")
    assert made.returncode == 0, made.stderr
    started = time.monotonic()
    try:
        result = stack.json("up", "--yes")
        seconds = time.monotonic() - started
        assert result["verified"]["signed"]["receipt"]["verdict"] == "passed"
    finally:
        gone = stack.run("down", *stack.choice)
        assert gone.returncode == 0, gone.stderr
    return seconds


def describe(cache: Path) -> dict[str, int]:
    """Every file that was fetched or built, and its moment of change."""
    files = (path for path in cache.rglob("*") if path.is_file() and not path.name.endswith(".lock"))
    return {str(path.relative_to(cache)): path.stat().st_mtime_ns for path in files}


def test_a_second_client_takes_a_third_of_the_time_and_fetches_nothing() -> None:
    with lab_home_folder() as home, empty_cache() as cache:
        first = up(home, "t-first")
        before = describe(cache)
        assert any(name.startswith("bundles/") for name in before)
        second = up(home, "t-second")
        after = describe(cache)
    print(f"first {first:.0f} s, second {second:.0f} s, ratio {second / first:.2f}")
    assert after == before
    assert second <= first * SHARE

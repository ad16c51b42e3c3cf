"""Twenty kill -9 under load (bench/bench_audit.py does two hundred)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.audit.killing import Killed, kill_often

if TYPE_CHECKING:
    from tests.audit.clusters import Cluster


def _check(killed: Killed, rounds: int) -> None:
    assert killed.acknowledged > rounds * 10
    assert killed.lost == 0
    assert killed.troubles == []


def test_nothing_acknowledged_is_lost_and_the_chain_verifies(tmp_path: Path) -> None:
    _check(kill_often(tmp_path, rounds=20, seed=9), 20)


def test_nor_in_postgresql(cluster: Cluster, tmp_path: Path) -> None:
    _check(kill_often(tmp_path, rounds=6, seed=9, server=cluster.server()), 6)

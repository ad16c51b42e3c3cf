"""Twenty kill -9 under load (bench/bench_audit.py does two hundred)."""

from __future__ import annotations

from pathlib import Path

from tests.audit.killing import kill_often


def test_nothing_acknowledged_is_lost_and_the_chain_verifies(tmp_path: Path) -> None:
    killed = kill_often(tmp_path, rounds=20, seed=9)
    assert killed.acknowledged > 20 * 10
    assert killed.lost == 0
    assert killed.troubles == []

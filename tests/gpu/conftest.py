"""Tests on a real NVIDIA device. Without one they are left out of the run, and the summary says so."""

from __future__ import annotations

from pathlib import Path

import pytest

DEVICE = Path("/dev/nvidia0")
LEFT_OUT = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if DEVICE.exists():
        return
    real = [item for item in items if item.get_closest_marker("gpu")]
    items[:] = [item for item in items if item not in real]
    config.hook.pytest_deselected(items=real)
    config.stash[LEFT_OUT] = len(real)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = config.stash.get(LEFT_OUT, 0)
    if left_out:
        terminalreporter.write_line(f"left out: {left_out} tests that need a real NVIDIA device (no {DEVICE} here)")

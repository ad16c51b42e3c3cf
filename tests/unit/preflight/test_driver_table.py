"""Drivers and kernels: what a row says, how far it reaches, and that the pages are current."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from provision.preflight.describe import describe_checks, describe_drivers
from provision.preflight.driver_kernels import ROWS
from provision.preflight.driver_table import does_build, drivers_for, kernel_series

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize(
    ("driver", "kernel", "builds"),
    [
        ("550.163.01", "6.17.2-1-pve", False),
        ("550.54.14", "7.0.14-14-pve", False),  # an older driver, a newer kernel
        ("550.163.01", "6.8.12-15-pve", True),  # a newer driver than one that builds there
        ("550.163.01", "6.14.8-2-pve", None),  # nobody said it
        ("580.119.02", "7.0.9-1-pve", False),
        ("580.142", "7.0.9-1-pve", True),
        ("580.142", "7.1.0-1-pve", False),
        ("580.159.04", "7.1.0-1-pve", True),
        ("580.126.18", "7.0.9-1-pve", None),  # between one that fails and one that builds
        ("595.71.05", "7.0.14-14-pve", None),
        ("620.10", "6.17.2-1-pve", None),
    ],
)
def test_what_the_table_tells(driver: str, kernel: str, builds: bool | None) -> None:
    answer = does_build(driver, kernel)
    assert answer.builds is builds
    assert (answer.row is None) is (builds is None)


def test_no_two_rows_contradict_each_other() -> None:
    """Neither as they stand nor where they reach: the answer must not depend on their order."""
    for first, second in product(ROWS, repeat=2):
        for row in (first, second):
            assert does_build(row.driver, row.kernel, (first, second)).builds is row.builds
            assert does_build(row.driver, row.kernel, (second, first)).builds is row.builds


def test_every_row_has_a_source() -> None:
    assert all("/" in row.source and "." in row.source for row in ROWS)


def test_drivers_for_a_kernel() -> None:
    assert drivers_for("7.0.14-14-pve") == ("580.142",)
    assert drivers_for("6.17.2-1-pve") == ("595.71.05", "580.119.02")
    assert drivers_for("8.0.1-1-pve") == ()
    assert all(does_build(driver, "6.8").builds for driver in drivers_for("6.8.12-15-pve"))


def test_a_kernel_is_compared_by_number() -> None:
    assert kernel_series("6.8.12-15-pve") < kernel_series("6.17")


@pytest.mark.parametrize(
    ("page", "text", "name"),
    [("preflight.md", describe_checks(), "checks"), ("driver-kernels.md", describe_drivers(), "drivers")],
)
def test_the_pages_are_current(page: str, text: str, name: str) -> None:
    assert (DOCS / page).read_text() == text, f"run: python -m provision.preflight.describe {name} > docs/{page}"
    rows = [
        line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| check", "| driver "))
    ]
    assert rows
    assert len({row.count("|") for row in rows}) == 1

"""Whether a driver builds for a kernel, as far as the table knows.

How far a row reaches, beyond itself:
- builds: also newer drivers of the same branch, and older kernels (NVIDIA's kernel layer keeps them: "Linux kernel 3.10
  or newer", README of NVIDIA/open-gpu-kernel-modules at 550.40.82);
- does not build: also older drivers of the same branch, and newer kernels (what a kernel took away does not come back).
Everything else is not known.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from provision.preflight.driver_kernels import ROWS, Row


class Answer(NamedTuple):
    """`builds`: None where it is not known; then there is no row."""

    builds: bool | None
    row: Row | None


def does_build(driver: str, kernel: str, rows: tuple[Row, ...] = ROWS) -> Answer:
    """`driver` a full version ('580.142'), `kernel` a release ('6.17.2-1-pve') or a series."""
    wanted, series = numbers(driver), kernel_series(kernel)
    for row in rows:
        known, at = numbers(row.driver), kernel_series(row.kernel)
        if known[0] != wanted[0]:
            continue
        if row.builds and wanted >= known and series <= at:
            return Answer(True, row)
        if not row.builds and wanted <= known and series >= at:
            return Answer(False, row)
    return Answer(None, None)


def drivers_for(kernel: str, rows: tuple[Row, ...] = ROWS) -> tuple[str, ...]:
    """The oldest driver of each branch that is known to build for a kernel, newest branch first."""
    series = kernel_series(kernel)
    fits = sorted(
        (numbers(row.driver), row.driver) for row in rows if row.builds and kernel_series(row.kernel) >= series
    )
    oldest: dict[int, str] = {}
    for version, text in fits:
        oldest.setdefault(version[0], text)
    return tuple(oldest[branch] for branch in sorted(oldest, reverse=True))


def kernel_series(kernel: str) -> tuple[int, int]:
    """'6.17.2-1-pve' → (6, 17)."""
    found = numbers(kernel)
    return found[0], found[1]


def numbers(version: str) -> tuple[int, ...]:
    """All numbers of a version in their order, for comparing: '6.17.2-1-pve' → (6, 17, 2, 1)."""
    return tuple(int(part) for part in re.findall(r"\d+", version))

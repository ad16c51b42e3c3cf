"""docs/checks.md is what the registry says."""

from __future__ import annotations

from pathlib import Path

from provision.verify.describe import describe_checks

PAGE = Path(__file__).resolve().parents[3] / "docs" / "checks.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == describe_checks(), "run: python -m provision.verify.describe > docs/checks.md"


def test_no_cell_breaks_the_table() -> None:
    rows = [line for line in describe_checks().splitlines() if line.startswith("| `")]
    assert rows
    assert all(row.count("|") == 5 for row in rows)

"""Every page of the papers in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.pipeline.evidence import OTHER_FILES, Made
from provision.ui.papers_html import render_papers_html
from tests.accessibility.check import assert_accessible

pytestmark = pytest.mark.slow


def test_every_page_in_light_and_dark(made: Made, tmp_path: Path) -> None:
    assert_accessible(render_papers_html(made.papers, OTHER_FILES), tmp_path)

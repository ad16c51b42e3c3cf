"""docs/tco-figures.md is what the figures say today."""

from __future__ import annotations

from provision.pipeline.article_figures import describe_figures, list_figures
from provision.places import REPOSITORY


def test_the_page_is_up_to_date() -> None:
    page = (REPOSITORY / "docs" / "tco-figures.md").read_text(encoding="utf-8")
    assert page == describe_figures(list_figures()), (
        "python -m provision.pipeline.article_figures > docs/tco-figures.md"
    )


def test_every_figure_is_on_the_page_once() -> None:
    figures = list_figures()
    assert len({figure.id for figure in figures}) == len(figures)
    page = describe_figures(figures)
    assert all(page.count(f"| {figure.sentence} |") == 1 for figure in figures)


def test_arithmetic_is_shown_for_every_figure() -> None:
    assert all(figure.arithmetic for figure in list_figures())

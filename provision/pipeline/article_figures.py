"""Every cost figure of the two articles, held against its own inputs.

`python -m provision.pipeline.article_figures > docs/tco-figures.md` writes the page again.
"""

from __future__ import annotations

from provision.catalog.prices import load_prices
from provision.errors import ErrorGroup, ProvisionError
from provision.models.figures import Figure, Verdict
from provision.models.tco import CostCase
from provision.pipeline.tco_case import read_case_tree, resolve_prices
from provision.profile.validate import validate_tree
from provision.tco.figures_h100 import list_h100_figures
from provision.tco.figures_sme import list_sme_figures

_ORDER: tuple[Verdict, ...] = ("does not follow", "follows in part", "no inputs given", "follows")
_ARTICLES = {"sme": "Open source AI for SMEs", "h100": "Self-hosted Open-Source AI 2026"}


def load_case(name: str) -> CostCase:
    """A built-in case. Raises ErrorGroup where it is not in order."""
    problems: list[ProvisionError] = []
    root = read_case_tree(name, problems)
    case = validate_tree(resolve_prices(root, problems).root, problems, CostCase) if root is not None else None
    if case is None or problems:
        raise ErrorGroup(problems)
    return case


def list_figures() -> list[Figure]:
    prices = load_prices()
    return [*list_sme_figures(load_case("sme"), prices), *list_h100_figures(load_case("h100"), prices)]


def describe_figures(figures: list[Figure]) -> str:
    """The page: what does not follow first."""
    lines = [
        "# The articles' cost figures, held against their own inputs",
        "",
        "Written by `python -m provision.pipeline.article_figures`; `provision tco --figures` shows the same.",
        "A figure follows where both of its ends are within 3 % of what comes out, or where that is one number within",
        "the stated range; in part, where one end of a range does.",
        "Exchange rates are those of `provision/catalog/data/exchange-rates.yml`. One test each:",
        "`tests/unit/tco/test_article_sme.py` and `test_article_h100.py`.",
    ]
    for verdict in _ORDER:
        chosen = [figure for figure in figures if figure.verdict == verdict]
        lines += ["", f"## {verdict.capitalize()} ({len(chosen)})", ""]
        lines += ["| article | figure | stated | from its inputs | arithmetic |", "|---|---|---|---|---|"]
        lines += [_row(figure) for figure in chosen]
    return "\n".join(lines) + "\n"


def _row(figure: Figure) -> str:
    cells = (
        _ARTICLES[figure.article],
        figure.sentence,
        figure.show(figure.stated),
        figure.show(figure.computed),
        figure.arithmetic,
    )
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(describe_figures(list_figures()), end="")

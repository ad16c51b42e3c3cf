"""`provision tco`: what a stack costs beside other ways to get the work done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.choices import Client, Json, Profile

if TYPE_CHECKING:  # at run time only the verb itself pays for its import
    from provision.models.tco import CostReport

Settings = Annotated[
    list[str] | None, typer.Option("--set", help="override one value of the case; repeatable", metavar="KEY=VALUE")
]


def register(app: typer.Typer) -> None:
    app.command()(tco)


def tco(
    case: Annotated[str, typer.Option("--case", help="a built-in case (sme, h100), or a file", metavar="NAME|FILE")] = (
        "sme"
    ),
    settings: Settings = None,
    profile: Profile = None,
    client: Client = None,
    receipt: Annotated[
        Path | None, typer.Option("--receipt", help="take the idle watts that this receipt measured")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help="the receipt's public key (hex)")] = None,
    against: Annotated[
        str | None, typer.Option("--against", help="the option to hold the first one against (default: the cheapest)")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="write the report with its charts to this file")] = None,
    prices: Annotated[bool, typer.Option("--prices", help="list the known prices instead")] = False,
    figures: Annotated[
        bool, typer.Option("--figures", help="list the articles' cost figures with the arithmetic instead")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare the costs of owning, renting and paying by seat or token. With --profile the first option's watts and
    speed are those of that profile's plan."""
    if prices or figures:
        return _show_prices(as_json=as_json) if prices else _show_figures(as_json=as_json)
    from provision.pipeline.tco import CostQuestion, answer_cost, today

    question = CostQuestion(
        case=case, settings=tuple(settings or ()), profile=profile, client=client, receipt=receipt, key=key,
        against=against,
    )  # fmt: skip
    report = answer_cost(question, today())
    if html is not None:
        _write_page(report, html)
    _show(report, as_json=as_json)
    return None


def _show(report: CostReport, *, as_json: bool) -> None:
    from provision.ui.jsonout import to_json

    if as_json:
        print(to_json(report))
        return
    from provision.ui.console import make_console
    from provision.ui.tco_view import render_costs

    make_console().print(render_costs(report))


def _write_page(report: CostReport, path: Path) -> None:
    from provision.pipeline.tco import save_page, today
    from provision.ui.tco_html import render_costs_html

    save_page(path, render_costs_html(report, today()))


def _show_prices(*, as_json: bool) -> None:
    from provision.pipeline.tco import list_prices
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.tco_view import render_prices

    found = list_prices()
    print(to_json(found)) if as_json else make_console().print(render_prices(found))


def _show_figures(*, as_json: bool) -> None:
    from provision.pipeline.article_figures import list_figures
    from provision.ui.console import make_console
    from provision.ui.figures_view import render_figures
    from provision.ui.jsonout import to_json

    found = list_figures()
    print(to_json(found)) if as_json else make_console().print(render_figures(found))

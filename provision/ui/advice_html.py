"""The advice as one HTML file: no script, no request to anywhere, readable on paper, light and dark."""

from __future__ import annotations

from pathlib import Path

from provision.models.advice import Advice
from provision.ui.advice_view import OUTCOMES, by_heading, headline
from provision.ui.pages import TEMPLATES, open_page

ZONES = ("home", "eu-cloud", "us-cloud")


def render_advice_html(advice: Advice, *, templates: Path = TEMPLATES) -> str:
    """The whole page. Every value is escaped by Jinja; the template receives ready values and decides nothing."""
    rows = [
        {
            "case": one,
            "model": one.local_model or ", ".join(one.cloud_models) or "none",
            "zones": [_mark(zone, one.place, one.allowed) for zone in ZONES],
        }
        for one in advice.placements
    ]
    return open_page("advice.html.j2", templates).render(
        outcome=OUTCOMES[advice.outcome],
        headline=headline(advice),
        zones=ZONES,
        rows=rows,
        reasons=by_heading(advice.statements),
        decisions=advice.decisions,
        models=advice.models,
    )


def _mark(zone: str, place: str, allowed: tuple[str, ...]) -> tuple[str, str]:
    """A word for the cell and its style."""
    if zone == place:
        return "runs here", "runs"
    return ("allowed", "allowed") if zone in allowed else ("closed", "closed")

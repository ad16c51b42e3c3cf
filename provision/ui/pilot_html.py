"""A pilot or an evaluation as one HTML file: no script, no request to anywhere, readable on paper, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provision.models.pilot_result import CaseSummary, Evaluation, PilotResult
from provision.ui.pages import TEMPLATES, open_page
from provision.ui.pilot_view import seconds, tell_cost, tell_model, tell_price

BAR_WIDTH = 120
"""Units of a bar's view box."""


def render_pilot_html(result: PilotResult, *, templates: Path = TEMPLATES) -> str:
    """Every value is escaped by Jinja; the template receives ready values and decides nothing."""
    return _render(result, {"title": f"Pilot {result.tests.name}", "facts": []}, templates)


def render_evaluation_html(found: Evaluation, *, templates: Path = TEMPLATES) -> str:
    facts = [
        ("Client", f"{found.client} ({'lab, GPUs simulated' if found.lab else 'live'}), model {found.slot}"),
        ("Baseline", tell_model(found.baseline)),
        ("Candidate", tell_model(found.candidate)),
        ("Served", f"{found.arrangement}: {found.arranged_because}"),
    ]
    return _render(found.result, {"title": f"Model evaluation {found.client}", "facts": facts}, templates)


def _render(result: PilotResult, head: dict[str, Any], templates: Path) -> str:
    return open_page("pilot.html.j2", templates).render(
        **head,
        result=result,
        created=result.created.strftime("%Y-%m-%d %H:%M:%S %Z"),
        good=result.verdict.outcome in ("home", "hybrid", "cloud", "promote"),
        targets=[(target, tell_price(target.price)) for target in result.targets],
        cases=[(case, [_row(item) for item in result.cases if item.case == case.name]) for case in result.tests.cases],
        asked=_questions(result),
        held={True: "holds", False: "broken", None: "open"},
        bar_width=BAR_WIDTH,
    )


def _row(item: CaseSummary) -> dict[str, Any]:
    return {
        "item": item,
        "quality": "-" if item.quality is None else f"{item.quality:.2f}",
        "width": round((item.quality or 0) * BAR_WIDTH),
        "first": seconds(item.first_token_s),
        "total": seconds(item.total_s),
        "cost": tell_cost(item) if item.answered else "-",
    }


def _questions(result: PilotResult) -> list[dict[str, Any]]:
    """Every question with what each target made of it, the first time of asking."""
    scores = {score.answer: score for score in result.scores}
    return [
        {
            "case": case,
            "question": question,
            "answers": [
                (answer, scores.get(answer.id))
                for answer in result.answers
                if (answer.case, answer.question, answer.repeat) == (case.name, number, 0)
            ],
        }
        for case in result.tests.cases
        for number, question in enumerate(case.questions)
    ]

"""A pilot or an evaluation in the terminal: one row per use case and target, the verdict and its rules."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from provision.models.pilot import Price
from provision.models.pilot_result import CaseSummary, Evaluation, PilotResult, Verdict
from provision.models.profile import WorkloadModel
from provision.ui.plan_table import new_table
from provision.ui.printable import safe, shorten

STYLES = {"passes": "green", "fails": "red", "failed": "bold red", "refused": "yellow", "open": "cyan"}
_SIGNS = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "cyan")}
_GOOD = ("home", "hybrid", "cloud", "promote")
_SHOWN_REASONS = 12


def render_pilot(result: PilotResult) -> RenderableType:
    return Group(_cases(result), Text(), *_reasons(result), *_prices(result), *_notes(result), _verdict(result.verdict))


def render_evaluation(found: Evaluation) -> RenderableType:
    place = "lab, GPUs simulated" if found.lab else "live"
    head = Text(f"{found.client} ({place}), {found.slot}: {found.arrangement} ({found.arranged_because})")
    models = [safe(f"  {role:<10} {tell_model(model)}") for role, model in _roles(found)]
    return Group(head, *models, Text(), render_pilot(found.result))


def tell_model(model: WorkloadModel) -> str:
    return f"{model.model}:{model.quant}, context {model.context} x {model.parallel}, kv {model.kv}, {model.engine}"


def tell_cost(case: CaseSummary) -> str:
    """'0.0021 EUR', or why there is none."""
    if case.currency is None:
        return "no price"
    return "not counted" if case.cost is None else f"{case.cost:.4f} {case.currency}"


def tell_price(price: Price | None) -> str:
    if price is None:
        return "no price given, so no cost"
    amounts = f"{price.input_per_million:g} in, {price.output_per_million:g} out"
    return f"{amounts} {price.currency} per million tokens ({price.source}, {price.date})"


def seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _cases(result: PilotResult) -> Table:
    table = new_table(f"Pilot {result.tests.name}")
    table.caption = "first: seconds to the first token; total: to the end; medians · tokens: in/out · quality: 0 to 1"
    table.caption_justify = "left"
    table.add_column("use case", overflow="fold")
    table.add_column("class", no_wrap=True)
    table.add_column("target", no_wrap=True)
    for head in ("done", "quality", "first", "total", "tokens", "cost"):
        table.add_column(head, justify="right", no_wrap=head != "tokens")
    table.add_column("outcome", no_wrap=True)
    classes = {case.name: case.data_class for case in result.tests.cases}
    for case in result.cases:
        table.add_row(
            safe(case.case, "bold"),
            safe(classes[case.case]),
            safe(case.target),
            f"{case.answered}/{case.asked}",
            "-" if case.quality is None else f"{case.quality:.2f}",
            seconds(case.first_token_s),
            seconds(case.total_s),
            f"{case.input_tokens}/{case.output_tokens}",
            tell_cost(case) if case.answered else "-",
            Text(case.standing, style=STYLES[case.standing]),
        )
    return table


def _reasons(result: PilotResult) -> list[Text]:
    """Why requests were refused or failed; the same reason once per target and use case."""
    told: dict[tuple[str, str, str], str] = {}
    for answer in result.answers:
        if answer.fate != "answered":
            record = f", record {answer.record}" if answer.record else ""
            by = f" by {answer.refused_by}" if answer.refused_by else ""
            told.setdefault((answer.case, answer.target, answer.reason), f"{answer.fate}{by}: {answer.reason}{record}")
    lines = [safe(f"  {case} at {target} {text}") for (case, target, _), text in told.items()]
    more = [Text(f"  and {len(lines) - _SHOWN_REASONS} more")] if len(lines) > _SHOWN_REASONS else []
    return [*lines[:_SHOWN_REASONS], *more, Text()] if lines else []


def _prices(result: PilotResult) -> list[Text]:
    return [safe(f"  {target.name}: {tell_price(target.price)}", "dim") for target in result.targets]


def _notes(result: PilotResult) -> list[Text]:
    return [safe(f"  note: {note}", "yellow") for note in result.notes]


def _verdict(verdict: Verdict) -> RenderableType:
    head = Text("Verdict: ", style="bold")
    head.append_text(safe(verdict.outcome, "bold green" if verdict.outcome in _GOOD else "bold yellow"))
    head.append_text(safe(f": {verdict.says}"))
    lines = []
    for rule in verdict.rules:
        sign, style = _SIGNS[rule.held]
        line = Text(f"  {sign} ", style=style)
        line.append_text(safe(shorten(f"{rule.name}: {rule.asked}; measured: {rule.measured}", 110)))
        lines.append(line)
    return Group(head, *lines)


def _roles(found: Evaluation) -> tuple[tuple[str, WorkloadModel], ...]:
    return (("baseline", found.baseline), ("candidate", found.candidate))

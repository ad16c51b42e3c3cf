"""The advice for a person: the answer first, then each use case, then the reasons with their rules and sources."""

from __future__ import annotations

from itertools import groupby

from rich.console import Group, RenderableType
from rich.text import Text

from provision.models.advice import Advice, RuleLine, Statement
from provision.ui.plan_table import new_table
from provision.ui.printable import safe

OUTCOMES = {"cloud": "Cloud", "hybrid": "Hybrid", "self_hosted": "Self-hosted"}
CENTRES = {"cloud": "the cloud", "self_hosted": "own machines"}
PATTERNS = {
    "none": "none",
    "single_worker": "single worker",
    "multi_model_cluster": "multi-model cluster",
    "hybrid": "hybrid",
}
GROUPS = {
    "outcome": "Why",
    "trigger": "Triggers",
    "zone": "Where data may be processed",
    "place": "Where each use case runs",
    "site": "The machine",
    "profile": "The machine",
    "model": "Models",
    "pattern": "How it is deployed",
    "pilot": "Pilot",
    "duty": "What goes with it",
    "decision": "What a person must still decide",
}


def headline(advice: Advice) -> list[tuple[str, str]]:
    """Each part of the answer with its name."""
    outcome = OUTCOMES[advice.outcome]
    if advice.outcome == "hybrid":
        outcome += f", with the weight on {CENTRES[advice.centre]}"
    profile = advice.profile or "none"
    return [
        ("recommendation", outcome),
        ("profile", profile if advice.profile_serves_all else f"{profile}, too small for all at once"),
        ("models", ", ".join(f"{model.model} {model.quant}" for model in advice.models) or "none"),
        ("pattern", PATTERNS[advice.pattern]),
        ("pilot first", "yes" if advice.pilot_first else "no"),
        ("triggers that hold", ", ".join(map(str, advice.triggers)) or "none"),
    ]


def by_heading(statements: tuple[Statement, ...]) -> list[tuple[str, list[Statement]]]:
    """The sentences under their headings, in reading order."""
    return [(heading, list(group)) for heading, group in groupby(statements, key=lambda one: GROUPS[one.group])]


def render_advice(advice: Advice) -> RenderableType:
    """Everything that `advise --json` says."""
    head = new_table("Advice")
    head.add_column("")
    head.add_column("")
    for name, value in headline(advice):
        head.add_row(name, safe(value, "bold"))
    parts: list[RenderableType] = [head, Text(""), _use_cases(advice)]
    for heading, statements in (*by_heading(advice.statements), *by_heading(advice.decisions)):
        parts += [Text(""), Text(heading, style="bold"), *map(_line, statements)]
    return Group(*parts)


def _use_cases(advice: Advice) -> RenderableType:
    table = new_table("Use cases")
    for column in ("use case", "strictest data", "may run", "runs", "model"):
        table.add_column(column)
    for one in advice.placements:
        model = one.local_model or ", ".join(one.cloud_models) or "-"
        place = Text(one.place, style="bold yellow" if one.place == "nowhere" else "bold")
        table.add_row(safe(one.use_case), one.strictest, ", ".join(one.allowed), place, safe(model))
    return table


def _line(statement: Statement) -> Text:
    line = safe(f"- {statement.text}")
    line.append(f" [{statement.rule}; {statement.source.title}, {statement.source.section}]", style="dim")
    return line


def render_rules(rules: tuple[RuleLine, ...]) -> RenderableType:
    """Every rule, in the order in which they are asked."""
    parts: list[RenderableType] = []
    for group, lines in groupby(rules, key=lambda rule: rule.group):
        parts += [Text(""), Text(f"{GROUPS[group]} ({group})", style="bold"), *map(_rule, lines)]
    return Group(*parts[1:])


def _rule(rule: RuleLine) -> Text:
    line = safe(rule.id, "bold")
    line.append(f"\n  when {rule.when}" + (f" → {rule.then}" if rule.then else ""), style="default")
    line.append(f"\n  {rule.says}", style="default")
    return line.append(f"\n  {rule.source.title}, {rule.source.section}", style="dim")

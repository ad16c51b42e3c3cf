"""What the receipt's checks show, each as one measure."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby

from provision.models.papers import Row
from provision.models.report import CheckResult
from provision.papers.facts import Facts, row

SECURITY = frozenset(
    {
        "releases",
        "listeners",
        "ports_outside",
        "no_egress",
        "monitoring",
        "tls",
        "sign_on",
        "chat_login",
        "document_cited",
        "workflow_run",
        "dashboards",
    }
)
"""Checks that show confidentiality, integrity or resilience (provision/verify/checks, docs/checks.md)."""


def describe_measures(facts: Facts, chosen: Collection[str] | None = None) -> tuple[Row, ...]:
    """Cells: check, what was measured, its result. Checks of one kind that passed on several machines are one row."""
    checks = [c for c in facts.signed.receipt.checks if chosen is None or c.id in chosen]
    checks.sort(key=lambda check: (check.id, check.title))
    rows: list[Row] = []
    for _, found in groupby(checks, key=lambda check: check.id):
        group = list(found)
        good = [check for check in group if check.status == "passed"]
        if len(good) > 1 and len({check.machine for check in good}) > 1:
            rows.append(_together(facts, good))
            group = [check for check in group if check.status != "passed"]
        rows += [_alone(facts, check) for check in group]
    return tuple(rows)


def _together(facts: Facts, group: list[CheckResult]) -> Row:
    machines = ", ".join(dict.fromkeys(check.machine or "whole stack" for check in group))
    titles = dict.fromkeys(check.title for check in group)
    title = group[0].title if len(titles) == 1 else group[0].id.replace("_", " ").capitalize()
    measured = (
        "; ".join(dict.fromkeys(check.measured for check in group)) if len(titles) == 1 else f"{len(group)} checks"
    )
    shown = measured if len(measured) <= 200 else f"{len(group)} checks"
    return row(
        "measured", f"{title} ({machines})", shown, _result(group[0]), source=facts.of_receipt(f"checks {group[0].id}")
    )


def _alone(facts: Facts, check: CheckResult) -> Row:
    place = f" ({check.machine})" if check.machine else ""
    return row("measured", check.title + place, check.measured, _result(check), source=facts.of_check(check))


def _result(check: CheckResult) -> str:
    return check.status + (", simulated" if check.simulated else "")

"""Paper (e): how long logs are kept, AI Act Art. 12, 19(1) and 26(6)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from provision.models.papers import Paper, Row, Section
from provision.papers.facts import AI_ACT, Facts, law, row
from provision.papers.routes import count_under

_COLUMNS = ("Point", "Statement")


def build_retention(facts: Facts) -> Paper:
    return Paper(
        name="5-log-retention",
        title="Log retention statement",
        purpose="Which records the stack keeps of its own working, how long, and how a change to them would be found.",
        sections=(
            Section(title="What the law asks", columns=_COLUMNS, rows=tuple(_law())),
            Section(title="The record of decisions", columns=_COLUMNS, rows=tuple(_log(facts))),
            Section(
                title="Decisions in the log",
                columns=("Class", "Effect and zone", "Decisions"),
                rows=tuple(_ways(facts)),
            ),
            Section(title="Removal", columns=_COLUMNS, rows=tuple(_removal(facts))),
            Section(title="Other records of the stack", columns=_COLUMNS, rows=tuple(_others(facts))),
        ),
    )


def _law() -> Iterator[Row]:
    yield row(
        "law",
        "Recording",
        "A high-risk system records events automatically over its lifetime.",
        source=law(AI_ACT, "Art. 12(1)"),
    )
    yield row(
        "law",
        "What for",
        "To find risks, for monitoring after it is on the market, and for that by its deployer.",
        source=law(AI_ACT, "Art. 12(2)"),
    )
    yield row(
        "law",
        "At least six months",
        "Provider and deployer keep the logs for at least six months, unless other law, above"
        " all on data protection, says otherwise.",
        source=law(AI_ACT, "Art. 19(1), Art. 26(6)"),
    )


def _log(facts: Facts) -> Iterator[Row]:
    if facts.audit is None:
        yield row(
            "decide",
            "Audit log",
            "No audit log of a decision layer was given (--audit), so nothing can be said of it.",
            source=law(AI_ACT, "Art. 12"),
        )
        return
    audit = facts.audit
    where = facts.of_file(f"decision-layer audit verify --directory {audit.directory}")
    yield row(
        "measured",
        "Whole",
        audit.said[0][0].upper() + audit.said[0][1:] + "." if audit.said else "No words.",
        source=where,
    )
    for line in audit.said[1:]:
        yield row("measured", "Beyond the proof", line + ".", source=where)
    yield row("measured", "Key", f"Checkpoints are signed with the Ed25519 key {audit.public_key}.", source=where)
    yield row(
        "measured",
        "Span",
        f"{audit.decisions} decisions that still have their contents, the first of"
        f" {audit.first or 'never'}, the last of {audit.last or 'never'}.",
        source=facts.of_file(f"decision-layer audit export --directory {audit.directory}"),
    )
    if facts.policy:
        yield row(
            "measured",
            "This policy",
            f"{count_under(audit, facts.policy)} of them were made under the policy that these papers show.",
            source=(facts.of_policy("sha256"), where),
        )
    yield row(
        "recorded",
        "Fields",
        "Start and end, caller, class, findings by kind and count, rule, candidates, model, place of"
        " inference and of storage, outcome, review and approval.",
        source=facts.of_file("decision_layer/docs/audit.md, Fields"),
    )


def _ways(facts: Facts) -> Iterator[Row]:
    if facts.audit is None or not facts.audit.routes:
        yield row("decide", "-", "No decision is on record here.", "0", source=law(AI_ACT, "Art. 12(1)"))
        return
    audit = facts.audit
    shown = sorted(audit.routes, key=lambda r: (r.effective_class, r.effect, r.zone))
    for (name, effect, zone), group in groupby(shown, key=lambda r: (r.effective_class, r.effect, r.zone)):
        count = sum(route.decisions for route in group)
        yield row(
            "measured",
            name,
            f"{effect}, {zone}" if zone else effect,
            str(count),
            source=facts.of_file(f"decision-layer audit export --directory {audit.directory}"),
        )


def _removal(facts: Facts) -> Iterator[Row]:
    yield row(
        "recorded",
        "How",
        "'decision-layer audit retain' takes contents out after 184 days unless told otherwise, refuses less"
        " than that without the law that demands it, and leaves out decisions with an open challenge.",
        source=facts.of_file("decision_layer/docs/audit.md, How it holds"),
    )
    days = facts.plan.routing.retain_days
    yield row(
        "planned",
        "By itself",
        f"A timer on the decision layer's machine runs it every night, with {days} days."
        if days
        else "The profile names no days, so no timer runs it: somebody must.",
        source=facts.of_plan("routing.retain_days"),
    )
    yield facts.ask("retention-run")
    yield facts.ask("retention-shorter")


def _others(facts: Facts) -> Iterator[Row]:
    placed = {service.name for service in facts.plan.services}
    for log in facts.kept:
        if log.service is None or log.service in placed:
            yield row("recorded", log.what, log.limit, source=facts.of_file(log.field))
    if "open_webui" in placed:
        yield row(
            "decide",
            "Chats of Open WebUI",
            "provision sets no time after which chats and uploaded documents are removed.",
            source=facts.of_file("roles/open_webui: no such setting"),
        )

"""Paper (c): the skeleton of a data protection impact assessment, GDPR Art. 35(7), with measured facts filled in."""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.papers import Paper, Row, Section
from provision.papers.facts import GDPR, Facts, law, row
from provision.papers.measures import describe_measures
from provision.papers.routes import count_under, find_breaches


def build_impact(facts: Facts) -> Paper:
    receipt = facts.signed.receipt
    return Paper(
        name="3-data-protection-impact",
        title="Data protection impact assessment (GDPR Art. 35): skeleton",
        purpose="The four parts of Art. 35(7). What was measured is filled in, with when and by whose signature;"
        " necessity, risks and what to do about them are for the controller.",
        sections=(
            Section(title="Is it needed", columns=("Point", "Statement"), rows=tuple(_needed(facts))),
            Section(
                title="The processing (Art. 35(7)(a))", columns=("Point", "Statement"), rows=tuple(_processing(facts))
            ),
            Section(
                title="Necessity and proportionality (Art. 35(7)(b))",
                columns=("Point", "Statement"),
                rows=(facts.ask("dpia-necessity"), facts.ask("automated")),
            ),
            Section(
                title="Risks (Art. 35(7)(c))",
                columns=("Point", "Statement"),
                rows=(facts.ask("dpia-risks"), *_found(facts)),
            ),
            Section(
                title="Measures (Art. 35(7)(d)): what was checked",
                about=f"Measured {receipt.created:%Y-%m-%d %H:%M} UTC, signed with the ed25519 key"
                f" {facts.signed.public_key}.",
                columns=("Check", "Measured", "Result"),
                rows=describe_measures(facts),
            ),
            Section(
                title="What else",
                columns=("Point", "Statement"),
                rows=tuple(
                    map(facts.ask, ("dpia-measures", "dpia-advice", "dpia-views", "dpia-residual", "rights-impact"))
                ),
            ),
        ),
    )


def _needed(facts: Facts) -> Iterator[Row]:
    yield facts.ask("dpia-needed")
    special = [c for c in (facts.policy.policy.classes if facts.policy else ()) if c.name == "art9"]
    for item in special:
        yield row(
            "planned",
            "Special categories",
            f"The policy has a class of its own for them: {item.name} ({item.title}),"
            f" allowed in {', '.join(item.zones)}.",
            source=facts.of_policy(f"classes.{item.name}"),
        )
    yield row(
        "law",
        "Large scale",
        "Processing special categories on a large scale makes an assessment necessary.",
        source=law(GDPR, "Art. 35(3)(b)"),
    )


def _processing(facts: Facts) -> Iterator[Row]:
    yield facts.ask("purposes")
    yield facts.ask("data-categories")
    engines = "; ".join(f"{e.name}: {facts.running(e)} on {e.machine}" for e in facts.plan.engines)
    yield row("planned", "Models in the house", engines + ".", source=facts.of_plan("engines"))
    if facts.policy:
        policy = facts.policy.policy
        homes = {zone.name for zone in policy.zones if zone.home}
        stays = [item.name for item in policy.classes if {model.zone for model in policy.takers(item)} <= homes]
        yield row(
            "planned",
            "Stays in the house",
            f"Classes {', '.join(stays) or 'none'}; what cannot be read counts as"
            f" {policy.opaque}, what has no label as {policy.default_class}.",
            source=facts.of_policy("classes, opaque, default_class"),
        )
    if facts.audit:
        a = facts.audit
        yield row(
            "measured",
            "Decisions so far",
            f"{a.decisions} in the audit log, from {a.first or 'none'} to {a.last or 'none'}.",
            source=facts.of_file(f"{a.directory}, verified with public key {a.public_key[:16]}…"),
        )


def _found(facts: Facts) -> Iterator[Row]:
    """Facts that bear on risks: failed checks, findings of the plan, data that went where they may not."""
    for check in facts.signed.receipt.checks:
        if check.status == "failed":
            yield row(
                "measured",
                check.title,
                f"Failed: {check.measured}. Expected: {check.expected}.",
                source=facts.of_check(check),
            )
    for finding in facts.plan.findings:
        if finding.severity == "warning":
            yield row(
                "planned", "Warning of the plan", finding.what, source=facts.of_plan(f"findings, {finding.where}")
            )
    if facts.audit and facts.policy:
        under, breaches = count_under(facts.audit, facts.policy), find_breaches(facts.audit, facts.policy)
        count = sum(route.decisions for route in breaches)
        ways = "; ".join(f"{r.effective_class} to {r.zone} ({r.decisions})" for r in breaches)
        text = f"Of {under} decisions under this policy, {count} went where its class may not be"
        yield row(
            "measured",
            "Data flows",
            f"{text}: {ways}." if ways else f"{text}.",
            source=(facts.of_file(facts.audit.directory), facts.of_policy("classes, models")),
        )

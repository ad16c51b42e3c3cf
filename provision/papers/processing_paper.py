"""Paper (b): the record of processing activities, GDPR Art. 30(1)."""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.papers import Paper, Row, Section
from provision.papers.facts import GDPR, Facts, filled, law, row
from provision.papers.measures import SECURITY, describe_measures
from provision.papers.routes import outside_zones

_WHO = ("firm", "firm-joint", "firm-representative", "data-protection-officer")
_WHAT = ("purposes", "legal-basis", "data-subjects", "data-categories")


def build_processing(facts: Facts) -> Paper:
    return Paper(
        name="2-record-of-processing",
        title="Record of processing activities (GDPR Art. 30)",
        purpose="The entry for this AI stack in the controller's record. What a measurement or a setting shows is"
        " filled in; the rest is for the controller.",
        sections=(
            Section(title="Who is responsible", columns=("Point", "Statement"), rows=tuple(map(facts.ask, _WHO))),
            Section(title="What is processed", columns=("Point", "Statement"), rows=tuple(map(facts.ask, _WHAT))),
            Section(
                title="Where data are kept in the stack",
                columns=("Point", "Statement"),
                rows=filled(facts, _stores(facts), 2),
            ),
            Section(title="Recipients and transfers", columns=("Point", "Statement"), rows=tuple(_recipients(facts))),
            Section(title="Time limits for erasure", columns=("Point", "Statement"), rows=tuple(_limits(facts))),
            Section(
                title="Technical and organisational measures (Art. 32(1))",
                about="Each line is a check of the receipt.",
                columns=("Measure", "Measured", "Result"),
                rows=filled(facts, describe_measures(facts, SECURITY), 3),
            ),
        ),
    )


_HOLDS = {
    "postgresql": "the database of Open WebUI and n8n: accounts, chats, workflow runs",
    "qdrant": "vectors of uploaded documents and passages of their text",
    "langfuse": "traces of requests to models, where something sends them",
    "prometheus": "measurements of machines and services",
}


def _stores(facts: Facts) -> Iterator[Row]:
    for service in facts.plan.services:
        if service.name in _HOLDS:
            yield row(
                "planned",
                service.name,
                f"On machine {service.machine}: {_HOLDS[service.name]}.",
                source=facts.of_plan(f"services.{service.name}"),
            )
    if facts.audit:
        yield row(
            "measured",
            "audit log",
            "Decisions by class, rule and model; no prompt and no value that was found stands"
            " in them; a person is a pseudonym in a sealed part.",
            source=facts.of_file("decision_layer/docs/audit.md, Fields and How it holds"),
        )


def _recipients(facts: Facts) -> Iterator[Row]:
    yield facts.ask("processors")
    if facts.policy is None:
        yield row(
            "decide",
            "Recipients",
            "No policy of a decision layer was given (--policy), so it is not known here whether"
            " anything is sent to models outside the house.",
            source=law(GDPR, "Art. 30(1)(d)"),
        )
    else:
        policy = facts.policy.policy
        outside = set(outside_zones(policy))
        for model in policy.models:
            if model.zone in outside:
                kept = f"kept in zone {model.storage}" if model.storage else "where it is kept is not known: refused"
                yield row(
                    "planned",
                    model.provider,
                    f"{model.title}: computed in zone {model.zone}, {kept}.",
                    source=facts.of_policy(f"models.{model.name}"),
                )
        if not any(model.zone in outside for model in policy.models):
            yield row("planned", "Models outside", "The policy names none.", source=facts.of_policy("models"))
    for flow in facts.plan.outside:
        yield row(
            "planned",
            flow.host,
            f"{flow.source} may open port {flow.port}: {flow.purpose}.",
            source=facts.of_plan("outside"),
        )
    yield facts.ask("transfers")


def _limits(facts: Facts) -> Iterator[Row]:
    yield facts.ask("erasure")
    placed = {service.name for service in facts.plan.services}
    for log in facts.kept:
        if log.service is None or log.service in placed:
            yield row("recorded", log.what, log.limit, source=facts.of_file(log.field))

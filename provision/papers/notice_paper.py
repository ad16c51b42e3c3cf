"""Paper (d): the notice for people who use the system or whose data go through it."""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.papers import Paper, Row, Section, Source
from provision.papers.facts import AI_ACT, GDPR, OMNIBUS, Facts, law, row
from provision.papers.routes import outside_zones


def build_notice(facts: Facts) -> Paper:
    return Paper(
        name="4-transparency-notice",
        title="Transparency notice",
        purpose="A draft for the people who talk with the system. Marked places must be filled in before anybody"
        " is given it.",
        sections=(
            Section(title="You talk with an AI system", rows=tuple(_told(facts))),
            Section(title="Where your words go", rows=tuple(_ways(facts))),
            Section(title="What is kept", rows=tuple(_kept(facts))),
            Section(title="Your rights", rows=tuple(_rights(facts))),
        ),
    )


def _told(facts: Facts) -> Iterator[Row]:
    yield row(
        "law",
        "You are talking with an AI system, not with a person. Its answers can be wrong: check them before you"
        " rely on them.",
        source=(law(AI_ACT, "Art. 50(1)"), law(OMNIBUS, "Art. 50 since 2026-08-02", "2026-07-27")),
    )
    yield _prose(facts, "firm", "Responsible for it: ")
    yield _prose(facts, "purposes", "It is used for: ")
    for engine in facts.plan.text_engines:
        yield row(
            "planned",
            f"The model '{engine.served_name}' is {facts.running(engine)}. It runs on the firm's own machine"
            f" '{engine.machine}'."
            if facts.plan.platform != "host"
            else f"The model '{engine.served_name}' is {facts.running(engine)}. It runs on a rented host.",
            source=facts.of_plan(f"engines.{engine.name}"),
        )
    for engine in facts.plan.asked_engines:
        entry = facts.models.get(engine.model)
        for finding in entry.findings if entry else ():
            if "'Built with Llama'" in finding.what:
                yield row(
                    "recorded",
                    "Built with Llama.",
                    source=Source(
                        what=f"model catalogue, {engine.model}.findings: {finding.source}", at=facts.looked_up
                    ),
                )


def _ways(facts: Facts) -> Iterator[Row]:
    if facts.policy is None:
        yield row(
            "decide",
            "Whether anything is sent to models outside the house: no policy of a decision layer was given.",
            source=law(GDPR, "Art. 13(1)(e), (f)"),
        )
        return
    policy = facts.policy.policy
    outside = set(outside_zones(policy))
    for item in policy.classes:
        zones = dict.fromkeys(model.zone for model in policy.takers(item))
        away = [policy.zone(name).title for name in zones if name in outside]
        text = f"may be answered by: {', '.join(away)}, or in the house" if away else "stays on the firm's own machines"
        second = " A second person must allow each case." if item.approval and away else ""
        yield row("planned", f"'{item.title}' {text}.{second}", source=facts.of_policy(f"classes.{item.name}"))
    yield _prose(facts, "transfers", "Outside the house: ")


def _kept(facts: Facts) -> Iterator[Row]:
    if facts.policy or facts.audit:
        yield row(
            "recorded",
            "Each request leaves a record of how it was routed: time, class, rule and model; not its words,"
            " unless sealed.",
            source=facts.of_file("decision_layer/docs/audit.md, Fields"),
        )
    yield _prose(facts, "erasure", "Chats, documents and workflow runs: ")
    yield _prose(facts, "retention-run", "Records of routing: ")


def _rights(facts: Facts) -> Iterator[Row]:
    yield row(
        "law",
        "You may ask for access to your data, for their correction, erasure, restriction and transfer, and object"
        " to their processing, as the law provides.",
        source=law(GDPR, "Art. 15 to 21"),
    )
    answer = facts.answers.given.get("automated")
    if answer is not None and answer.answer is True:
        yield row(
            "law",
            "Where a decision about you rests on the system alone, you may have a person look at it, say what you"
            " think of it, and contest it.",
            source=(facts.ask("automated").sources[0], law(GDPR, "Art. 22(3)")),
        )
    elif answer is None:
        yield _prose(facts, "automated", "")
    if facts.policy:
        people = ", ".join(person.name for person in facts.policy.policy.reviewers)
        if people:
            yield row(
                "planned",
                f"You can contest how a request was routed at {_form(facts)}; {people} decide.",
                source=facts.of_policy("reviewers"),
            )
        else:
            yield row(
                "decide",
                "Who decides where somebody contests a decision: the policy names no reviewers.",
                source=facts.of_policy("reviewers"),
            )
    yield _prose(facts, "notice-contact", "Write to: ")
    yield _prose(facts, "notice-rights", "You may complain to: ")


def _form(facts: Facts) -> str:
    """Where the pages of the decision layer are, for people."""
    site = next((site for site in facts.plan.sites if site.name == "challenge"), None)
    return f"{site.url}challenge" if site else "/challenge of the decision layer"


def _prose(facts: Facts, question_id: str, before: str) -> Row:
    """An answer as a sentence of the notice; an open one as its question."""
    asked = facts.ask(question_id)
    text = asked.cells[1] if asked.kind == "decide" else f"{before}{asked.cells[1]}"
    return asked.model_copy(update={"cells": (text,)})

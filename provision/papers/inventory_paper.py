"""Paper (a): what the system is, and which class of the EU AI Act it falls into, by the questions that decide it."""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.papers import Paper, Row, Section
from provision.papers.answers import Decides, load_questions
from provision.papers.facts import AI_ACT, OMNIBUS, Facts, law, row
from provision.papers.risk import classify

_ROLES: tuple[Decides, ...] = ("provider", "model")
_CLASSES: tuple[Decides, ...] = ("prohibited", "high_risk_product", "high_risk", "exception", "transparency")


def build_inventory(facts: Facts) -> Paper:
    return Paper(
        name="1-system-inventory",
        title="System inventory and EU AI Act risk classification",
        purpose="What this AI system consists of, who is responsible for it, and which duties of the EU AI Act follow"
        " from what people answered about its use.",
        sections=(
            Section(title="Result", columns=("Point", "Statement"), rows=tuple(_result(facts))),
            Section(title="The system", columns=("Point", "Statement"), rows=tuple(_system(facts))),
            Section(title="Models", columns=("Name", "Model", "On"), rows=tuple(_models(facts))),
            Section(title="Services", columns=("Service", "Machine", "Release"), rows=tuple(_services(facts))),
            Section(title="Role of the firm", columns=("Point", "Statement"), rows=_asked(facts, _ROLES)),
            Section(
                title="Questions that decide the class",
                about="One 'yes' under Art. 5 forbids that use. One 'yes' under Annex I or III makes the system a"
                " high-risk one, unless Art. 6(3) applies. Profiling of people is always high risk there.",
                columns=("Point", "Statement"),
                rows=_asked(facts, _CLASSES),
            ),
            Section(
                title="Duties of who uses it",
                columns=("Point", "Statement"),
                rows=tuple(facts.ask(name) for name in ("oversight", "literacy", "workers")),
            ),
            Section(title="When the duties apply", columns=("Point", "Statement"), rows=tuple(_dates())),
        ),
    )


def _result(facts: Facts) -> Iterator[Row]:
    found = classify(facts.answers.given)
    questions = load_questions()
    acts = law(AI_ACT, "Art. 5, 6 and 50, Annex I and III")
    told = tuple(facts.ask(name).sources[0] for name in found.because)
    text = found.result[0].upper() + found.result[1:] + "."
    if found.known:
        people = sorted({answer.by for answer in facts.answers.given.values()})
        yield row("stated", "Class", f"{text} It rests on the answers of {', '.join(people)}.", source=(*told, acts))
    else:
        yield row("decide", "Class", text, source=(*told, acts))
        names = ", ".join(questions[name].topic for name in found.unanswered)
        yield row("decide", "Open", f"Not answered: {names}.", source=acts)


def _system(facts: Facts) -> Iterator[Row]:
    plan, receipt = facts.plan, facts.signed.receipt
    yield row(
        "planned",
        "Name",
        f"AI stack of {plan.client}, profile {plan.profile}, domain {plan.domain}",
        source=facts.of_plan("client, profile, domain"),
    )
    yield row(
        "law",
        "AI system",
        "Its models infer from input how to generate output, which the Act calls an AI system.",
        source=law(AI_ACT, "Art. 3(1)"),
    )
    where = {
        "lab": "hosts of a lab",
        "proxmox": "containers and machines of the firm's own Proxmox node",
        "host": f"a rented host ({plan.provider})",
    }[plan.platform]
    yield row(
        "planned",
        "Where it runs",
        f"On {where}, in the private network {plan.network}.",
        source=facts.of_plan("platform, network"),
    )
    for site in plan.sites:
        yield row("planned", "Address", f"{site.url}: {site.purpose}", source=facts.of_plan(f"sites.{site.name}"))
    checks = f"{sum(check.status == 'passed' for check in receipt.checks)} of {len(receipt.checks)} checks passed"
    yield row(
        "measured",
        "Last verified",
        f"Verdict: {receipt.verdict}; {checks}. The signature is good (ed25519 key {facts.signed.public_key}).",
        source=facts.of_receipt("verdict, checks"),
    )
    if receipt.simulated:
        yield row(
            "measured",
            "Simulated",
            "This is a lab: its graphics cards are simulated, and large models are replaced by"
            " a small real one. The papers of a live stack are made from its own receipt.",
            source=facts.of_receipt("simulated"),
        )


def _models(facts: Facts) -> Iterator[Row]:
    for engine in facts.plan.engines:
        cards = ", ".join(str(budget.card) for budget in engine.cards)
        place = f"{engine.machine}, " + (f"card {cards}" if cards else "processor")
        yield row("planned", engine.name, facts.running(engine), place, source=facts.of_plan(f"engines.{engine.name}"))
    if facts.policy:
        for model in facts.policy.policy.models:
            yield row(
                "planned",
                model.name,
                f"{model.title} (provider {model.provider})",
                f"zone {model.zone}",
                source=facts.of_policy(f"models.{model.name}"),
            )


def _services(facts: Facts) -> Iterator[Row]:
    for service in facts.plan.services:
        release = service.release or "Debian package"
        stand_in = " (a stand-in of the lab)" if service.stand_in else ""
        yield row(
            "planned",
            service.name,
            service.machine,
            release + stand_in,
            source=facts.of_plan(f"services.{service.name}"),
        )


def _asked(facts: Facts, decides: tuple[Decides, ...]) -> tuple[Row, ...]:
    return tuple(facts.ask(q.id) for kind in decides for q in load_questions().values() if q.decides == kind)


def _dates() -> Iterator[Row]:
    yield row(
        "law", "Transparency", "Art. 50 applies since 2 August 2026.", source=law(OMNIBUS, "Art. 50", "2026-07-27")
    )
    yield row(
        "law",
        "High risk, Annex III",
        "Art. 8 to 27 apply from 2 December 2027.",
        source=law(OMNIBUS, "Annex III", "2026-07-27"),
    )
    yield row(
        "law", "High risk, Annex I", "They apply from 2 August 2028.", source=law(OMNIBUS, "Annex I", "2026-07-27")
    )
    yield row(
        "decide",
        "Dates",
        "Read the dates in the Official Journal before relying on them.",
        source=law(OMNIBUS, "entry into force", "2026-07-27"),
    )

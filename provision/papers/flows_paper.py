"""Paper (h): which class of data goes where, as the policy says and as the firewall lets it."""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.papers import FlowPicture, Kind, Paper, Row, Section
from provision.models.plan import OUTSIDE
from provision.papers.facts import GDPR, Facts, law, row
from provision.papers.measures import describe_measures
from provision.papers.policy_file import PolicyClass
from provision.papers.routes import count_under, draw_flows, find_breaches


def build_flows(facts: Facts) -> Paper:
    picture = draw_flows(facts.policy.policy) if facts.policy else None
    return Paper(
        name="8-data-flows",
        title="Data flows: which class goes where",
        purpose="The classes of data, the places where models answer, and what may go from one to the other.",
        sections=(
            _policy_section(facts, picture),
            Section(title="Who may ask", columns=("Point", "Statement"), rows=tuple(_askers(facts))),
            Section(
                title="Rules, in their order", columns=("Rule", "What it says", "Models"), rows=tuple(_rules(facts))
            ),
            Section(title="What the log shows", columns=("Point", "Statement"), rows=tuple(_log(facts))),
            Section(
                title="What the network lets out",
                about="The firewall of every machine drops what is not planned.",
                columns=("From", "To", "Purpose"),
                rows=tuple(_network(facts)),
            ),
        ),
    )


def _policy_section(facts: Facts, picture: FlowPicture | None) -> Section:
    if facts.policy is None or picture is None:
        missing = row(
            "decide",
            "Policy",
            "No policy of a decision layer was given (--policy): nobody has written down here which data may go where.",
            source=law(GDPR, "Art. 5(1)(f), Art. 24, Art. 25"),
        )
        return Section(title="Classes and zones", columns=("Point", "Statement"), rows=(missing,))
    zones = facts.policy.policy.zones
    return Section(
        title="Classes and zones",
        about="Lowest class first. A conversation never drops below the highest class that it has held. The table says"
        " the same as the picture.",
        columns=("Class", *(zone.title for zone in zones)),
        rows=tuple(_class_row(facts, item) for item in facts.policy.policy.classes),
        picture=picture,
    )


def _class_row(facts: Facts, item: PolicyClass) -> Row:
    """For each zone the models that may take the class, or never."""
    assert facts.policy is not None  # noqa: S101 - the caller has looked
    takers = facts.policy.policy.takers(item)
    cells = []
    for zone in facts.policy.policy.zones:
        names = [model.name for model in takers if model.zone == zone.name]
        approval = " (with approval)" if item.approval and not zone.home else ""
        cells.append(", ".join(names) + approval if names else "never")
    return row("planned", f"{item.name}: {item.title}", *cells, source=facts.of_policy(f"classes.{item.name}"))


def _askers(facts: Facts) -> Iterator[Row]:
    if facts.policy is None:
        yield row("decide", "Clients", "Not known without a policy.", source=law(GDPR, "Art. 32(4)"))
        return
    policy = facts.policy.policy
    for field, names, nobody in (
        ("clients", policy.clients, "The policy names no client: nobody may ask."),
        ("reviewers", policy.reviewers, "Name who decides where a decision is contested: the policy names nobody."),
        (
            "approvers",
            policy.approvers,
            "The policy names nobody who may approve; it needs one only for classes with approval.",
        ),
    ):
        kind: Kind = "decide" if field == "reviewers" and not names else "planned"
        yield row(kind, field.capitalize(), ", ".join(n.name for n in names) or nobody, source=facts.of_policy(field))
    yield row(
        "planned",
        "No label",
        f"Counts as {policy.default_class}; what cannot be read counts as {policy.opaque}.",
        source=facts.of_policy("default_class, opaque"),
    )
    by_class = {
        name: [k for k, c in policy.findings.items() if c == name] for name in dict.fromkeys(policy.findings.values())
    }
    for name, kinds in by_class.items():
        yield row("planned", f"Found: {name}", ", ".join(kinds), source=facts.of_policy("findings"))


def _rules(facts: Facts) -> Iterator[Row]:
    if facts.policy is None:
        yield row("decide", "-", "Not known without a policy.", "-", source=law(GDPR, "Art. 24"))
        return
    for rule in facts.policy.policy.rules:
        yield row(
            "planned", rule.name, rule.title, ", then ".join(rule.to), source=facts.of_policy(f"rules.{rule.name}")
        )


def _log(facts: Facts) -> Iterator[Row]:
    if facts.audit is None:
        yield row(
            "decide",
            "Audit log",
            "None was given (--audit): whether the policy was kept is not shown here.",
            source=law(GDPR, "Art. 5(2)"),
        )
        return
    audit = facts.audit
    source = facts.of_file(f"decision-layer audit export --directory {audit.directory}")
    if facts.policy is None:
        yield row("decide", "Policy", "The log verified, but no policy was given to hold it against.", source=source)
        return
    under, breaches = count_under(audit, facts.policy), find_breaches(audit, facts.policy)
    yield row(
        "measured",
        "Held against",
        f"{under} of {audit.decisions} decisions were made under this policy.",
        source=(source, facts.of_policy("sha256")),
    )
    for route in breaches:
        yield row(
            "measured",
            "Breach",
            f"{route.decisions} of class {route.effective_class} went to {route.zone}, which the"
            " policy does not allow.",
            source=(source, facts.of_policy(f"classes.{route.effective_class}")),
        )
    if under and not breaches:
        yield row(
            "measured",
            "Kept",
            "None of them went where its class may not be.",
            source=(source, facts.of_policy("classes, models")),
        )


def _network(facts: Facts) -> Iterator[Row]:
    flows = [flow for flow in facts.plan.flows if flow.target == OUTSIDE]
    for flow in flows:
        yield row(
            "planned", flow.source, f"{flow.address} port {flow.port}", flow.purpose, source=facts.of_plan("flows")
        )
    for outside in facts.plan.outside:
        yield row(
            "planned",
            outside.source,
            f"{outside.host} port {outside.port}",
            outside.purpose,
            source=facts.of_plan("outside"),
        )
    if not flows and not facts.plan.outside:
        yield row(
            "planned", "every machine", "nowhere", "no flow to the outside is planned", source=facts.of_plan("flows")
        )
    yield from describe_measures(facts, {"no_egress"})

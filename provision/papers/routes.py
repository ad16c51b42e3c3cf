"""Where data may go by the policy, and where they went by the audit log."""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.papers import FlowClass, FlowPicture, FlowZone
from provision.papers.audit_log import AuditFacts, Route
from provision.papers.policy_file import Policy, PolicyFile


def outside_zones(policy: Policy) -> tuple[str, ...]:
    """Zones that are not the firm's own machines."""
    return tuple(zone.name for zone in policy.zones if not zone.home)


def draw_flows(policy: Policy) -> FlowPicture:
    """A class points at a zone where at least one model there may take it."""
    return FlowPicture(
        title="Which class of data may go where",
        classes=tuple(
            FlowClass(
                name=item.name,
                title=item.title,
                zones=tuple(dict.fromkeys(model.zone for model in policy.takers(item))),
            )
            for item in policy.classes
        ),
        zones=tuple(
            FlowZone(
                name=zone.name,
                title=zone.title,
                home=zone.home,
                models=tuple(model.name for model in policy.models if model.zone == zone.name),
            )
            for zone in policy.zones
        ),
    )


def find_breaches(audit: AuditFacts, file: PolicyFile) -> tuple[Route, ...]:
    """Ways of the log, made under this very policy, that lead where its class may not be."""
    allowed = {item.name: set(item.zones) for item in file.policy.classes}
    return tuple(
        route
        for route in _under(audit, file)
        if route.zone and not {route.zone, route.storage} <= allowed.get(route.effective_class, set())
    )


def count_under(audit: AuditFacts, file: PolicyFile) -> int:
    """Decisions that were made under this very policy, by its hash."""
    return sum(route.decisions for route in _under(audit, file))


def _under(audit: AuditFacts, file: PolicyFile) -> Iterator[Route]:
    return (route for route in audit.routes if route.policy_sha256 == file.sha256)

"""What a person should know of models outside, and of who decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.models.plan import Finding
from provision.models.profile import Machine, Profile
from provision.planner.routing import DECISION_SERVICE
from provision.planner.way_in import plan_outside


def routing_findings(profile: Profile, homes: Mapping[str, Machine]) -> Iterator[Finding]:
    """Ways out of the house, what nobody reads before it leaves, and challenges that reach nobody."""
    yield from _outside(profile, homes)
    yield from _unread(profile)
    yield from _people(profile, homes)
    yield from _second_place(homes)


def _outside(profile: Profile, homes: Mapping[str, Machine]) -> Iterator[Finding]:
    for flow in plan_outside(profile, homes):
        addresses = ", ".join(map(str, flow.addresses))
        yield Finding(
            severity="note",
            what=f"'{flow.source}' may open connections to {flow.host} ({addresses}, port {flow.port}): {flow.purpose}",
            where="access",
            hint="nothing else leaves the house; correct the addresses where the service moves",
        )


def _people(profile: Profile, homes: Mapping[str, Machine]) -> Iterator[Finding]:
    if DECISION_SERVICE in homes and not profile.routing.reviewers:
        yield Finding(
            severity="warning",
            what="whoever contests a decision of the models reaches nobody: no reviewer is named",
            where="routing.reviewers",
            hint="name who decides within a month (GDPR Art. 12(3)), for example reviewers: [jane-doe]",
        )


def _second_place(homes: Mapping[str, Machine]) -> Iterator[Finding]:
    """Where the role decision_layer puts it: decision_layer_second_place."""
    home = homes.get(DECISION_SERVICE)
    if home:
        yield Finding(
            severity="note",
            what=f"both places of the record's checkpoints are on '{home.name}': its root can cut record and proof",
            where="routing",
            hint="let another machine fetch them every day (docs/routing.md, A place off the machine)",
        )


def _unread(profile: Profile) -> Iterator[Finding]:
    """The detectors' own figures are in decision_layer/docs/detectors.md."""
    wanted = profile.routing
    if wanted.models and not wanted.policy and wanted.second_stage is None:
        yield Finding(
            severity="warning",
            what="what the detectors find nothing in may leave unread: they miss some of what is only implied",
            where="routing.second_stage",
            hint="let a model of your own read it first, for example second_stage: {model: chat}",
        )

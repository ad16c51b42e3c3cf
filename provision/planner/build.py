"""From a profile and the catalogue to a plan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Literal

from provision.models.catalog import Catalog
from provision.models.lab import LabModel
from provision.models.plan import Card, EngineInstance, Plan, PlannedMachine
from provision.models.profile import Machine, Profile
from provision.planner.alerts import check_alerts
from provision.planner.audit import with_audit_needs
from provision.planner.cards import list_cards
from provision.planner.engines import plan_engines
from provision.planner.findings import collect_findings
from provision.planner.guests import plan_guest, plan_proxmox
from provision.planner.monitoring import add_exporters, check_neighbours
from provision.planner.network import (
    assign_addresses,
    check_ports,
    find_gateway,
    plan_flows,
    plan_services,
    plan_sites,
)
from provision.planner.placement import ENGINES, check_machines, order_roles, place_services
from provision.planner.problems import Problems
from provision.planner.replicas import plan_balancers, spread_replicas
from provision.planner.routing import check_routing, check_second_stage
from provision.planner.scratch import check_scratch, scratch_of
from provision.planner.sign_in import plan_sign_in
from provision.planner.systems import check_system, system_of
from provision.planner.way_in import answers_on_port_80, check_way_in, keep_inside, lab_findings, plan_outside

_CLIENT = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")


def build_plan(
    profile: Profile, catalog: Catalog, *, client: str, target: Literal["live", "lab"], lab: LabModel | None
) -> Plan:
    """Decide everything. `lab` is the lab's model, needed for the target lab and None for live.

    Raises PlanError for one problem, ErrorGroup of PlanError for several (exit code 4).
    """
    if (target == "lab") != (lab is not None):
        raise ValueError("a lab model belongs to the target lab, and to no other")
    profile = add_exporters(profile)
    catalog = with_audit_needs(profile, catalog)
    problems = Problems(profile.name)
    if not _CLIENT.fullmatch(client):
        problems.add(
            f"the client's name {client!r} cannot name folders, hosts and firewall tables",
            at="client",
            hint="begin with a small letter, go on with small letters, digits or hyphens, at most 40, no hyphen last",
        )
    check_machines(profile, problems)
    check_way_in(profile, problems)
    check_scratch(profile, problems)
    check_system(profile, problems)
    asked = profile
    profile = spread_replicas(profile if lab is None else keep_inside(profile), problems)
    homes = place_services(profile, catalog, problems)
    check_neighbours(homes, problems)
    check_alerts(profile, homes, problems)
    check_routing(profile, homes, problems)
    addresses = assign_addresses(profile, problems)
    cards = list_cards(profile, catalog, client, simulated=target == "lab", problems=problems)
    engines = plan_engines(profile, catalog, homes, cards, lab, problems)
    check_second_stage(profile, engines, problems)
    problems.raise_if_any()

    sites = plan_sites(profile, homes, addresses, catalog)
    services = plan_services(
        profile, catalog, sites, cuda=lab is None and bool(cards), system=system_of(profile, live=lab is None)
    )
    machines = _describe_machines(profile, catalog, addresses, cards, homes, engines, live=lab is None)
    balancers = plan_balancers(engines)
    check_ports(machines, services, (*engines, *balancers), sites, problems, redirects=answers_on_port_80(profile))
    sign_in = plan_sign_in(profile, homes, problems)
    problems.raise_if_any()
    flows = plan_flows(profile, catalog, homes, engines, balancers, sites)
    return Plan(
        profile=profile.name,
        client=client,
        target=target,
        platform="lab" if target == "lab" else profile.platform.kind,
        provider=profile.platform.provider,
        system=system_of(profile, live=lab is None),
        network=profile.network.cidr,
        gateway=find_gateway(profile),
        domain=profile.network.domain,
        admin_networks=profile.network.admin_networks,
        admin_email=profile.accounts.admin_email,
        admin_name=profile.accounts.admin_name,
        cards=tuple(cards),
        machines=machines,
        services=services,
        engines=engines,
        balancers=balancers,
        flows=flows,
        sites=sites,
        certificate=profile.access.certificate,
        sign_on=profile.access.sign_on,
        outside=plan_outside(profile, homes),
        findings=(
            *(lab_findings(asked) if lab else ()),
            *collect_findings(profile, catalog, homes, cards, engines, flows, live=lab is None),
        ),
        artifact_mirror=profile.artifact_mirror if target == "live" else None,
        alerts=profile.alerts,
        document_classes=profile.workflows.document_classes,
        sign_in=sign_in,
        routing=profile.routing,
        proxmox=plan_proxmox(profile, client),
    )


def _describe_machines(
    profile: Profile,
    catalog: Catalog,
    addresses: Mapping[str, IPv4Address],
    cards: list[Card],
    homes: Mapping[str, Machine],
    engines: Sequence[EngineInstance],
    *,
    live: bool,
) -> tuple[PlannedMachine, ...]:
    on_node = profile.platform.kind == "proxmox"
    return tuple(
        PlannedMachine(
            name=machine.name,
            kind=machine.kind,
            address=addresses[machine.name],
            cores=machine.cores,
            memory_mib=machine.memory,
            disk_mib=machine.disk,
            services=machine.services,
            roles=order_roles(
                machine,
                catalog,
                shares_cards=bool(_cards_of(machine, homes, cards, engines)) and on_node,
                has_scratch=live and scratch_of(profile, machine) is not None,
            ),
            cards=_cards_of(machine, homes, cards, engines),
            guest=plan_guest(profile, machine, homes, catalog),
            scratch=scratch_of(profile, machine) if live else None,
        )
        for machine in profile.machines
    )


def _cards_of(
    machine: Machine, homes: Mapping[str, Machine], cards: Sequence[Card], engines: Sequence[EngineInstance]
) -> tuple[int, ...]:
    """All cards where one machine has all engines; else those that its own engines use."""
    if not ENGINES & set(machine.services):
        return ()
    if len({homes[engine].name for engine in ENGINES & set(homes)}) == 1:
        return tuple(card.index for card in cards)
    return tuple(sorted({b.card for engine in engines if engine.machine == machine.name for b in engine.cards}))

"""From a profile and the catalogue to a plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Literal

from provision.models.catalog import Catalog
from provision.models.lab import LabModel
from provision.models.plan import Card, Plan, PlannedMachine
from provision.models.profile import Machine, Profile
from provision.planner.cards import list_cards
from provision.planner.engines import plan_engines
from provision.planner.findings import collect_findings
from provision.planner.guests import plan_guest, plan_proxmox
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

_CLIENT = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")


def build_plan(
    profile: Profile, catalog: Catalog, *, client: str, target: Literal["live", "lab"], lab: LabModel | None
) -> Plan:
    """Decide everything. `lab` is the lab's model, needed for the target lab and None for live.

    Raises PlanError for one problem, ErrorGroup of PlanError for several (exit code 4).
    """
    if (target == "lab") != (lab is not None):
        raise ValueError("a lab model belongs to the target lab, and to no other")
    problems = Problems(profile.name)
    if not _CLIENT.fullmatch(client):
        problems.add(
            f"the client's name {client!r} cannot name folders, hosts and firewall tables",
            at="client",
            hint="begin with a small letter, go on with small letters, digits or hyphens, at most 40, no hyphen last",
        )
    check_machines(profile, problems)
    homes = place_services(profile, catalog, problems)
    addresses = assign_addresses(profile, problems)
    cards = list_cards(profile, catalog, client, simulated=target == "lab", problems=problems)
    engines = plan_engines(profile, catalog, homes, cards, lab, problems)
    problems.raise_if_any()

    sites = plan_sites(profile, homes, addresses, catalog)
    services = plan_services(profile, catalog, sites, cuda=lab is None and bool(cards))
    machines = _describe_machines(profile, catalog, addresses, cards, homes)
    check_ports(machines, services, engines, sites, problems)
    problems.raise_if_any()
    return Plan(
        profile=profile.name,
        client=client,
        target=target,
        platform="lab" if target == "lab" else profile.platform.kind,
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
        flows=plan_flows(profile, catalog, homes, engines, sites),
        sites=sites,
        findings=collect_findings(profile, catalog, homes, cards, engines, live=lab is None),
        proxmox=plan_proxmox(profile, client),
    )


def _describe_machines(
    profile: Profile,
    catalog: Catalog,
    addresses: Mapping[str, IPv4Address],
    cards: list[Card],
    homes: Mapping[str, Machine],
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
            roles=order_roles(machine, catalog, shares_cards=bool(_cards_of(machine, cards)) and on_node),
            cards=_cards_of(machine, cards),
            guest=plan_guest(profile, machine, homes, catalog),
        )
        for machine in profile.machines
    )


def _cards_of(machine: Machine, cards: list[Card]) -> tuple[int, ...]:
    return tuple(card.index for card in cards) if ENGINES & set(machine.services) else ()

"""Addresses, ports, sites, and the connections that are allowed. Everything else is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

from provision.models.catalog import Catalog
from provision.models.monitoring import GATEWAY_METRICS_PORT, PROMETHEUS
from provision.models.plan import Balancer, EngineInstance, Flow, PlannedMachine, PlannedService, Site
from provision.models.profile import Machine, Profile
from provision.models.sites import SitePaths
from provision.models.system import PROVEN, System, unit_on
from provision.planner.alerts import plan_alert_flows
from provision.planner.monitoring import plan_scrapes
from provision.planner.placement import ENGINES, resolve_needs
from provision.planner.problems import Problems
from provision.planner.routing import DECISION_SERVICE
from provision.planner.way_in import GATEWAY_SERVICE, HTTP_PORT, answers_on_port_80

SSH_PORT = 22
_SITES = {
    "chat": ("open_webui", "chat with the models"),
    "flows": ("n8n", "automate with workflows"),
    "metrics": ("grafana", "see how the stack does"),
    "traces": ("langfuse", "look at traces of the models"),
    "challenge": (DECISION_SERVICE, "contest a decision, review and approve"),
}


def find_gateway(profile: Profile) -> IPv4Address:
    """The router of the private network: its first host address."""
    return profile.network.cidr.network_address + 1


def assign_addresses(profile: Profile, problems: Problems) -> dict[str, IPv4Address]:
    """The address of each machine by name."""
    network = profile.network.cidr
    addresses: dict[str, IPv4Address] = {}
    taken: dict[IPv4Address, str] = {find_gateway(profile): "the network's gateway"}
    for index, machine in enumerate(profile.machines):
        at = f"machines.{index}.address"
        if machine.address >= network.num_addresses - 1:
            problems.add(
                f"address {machine.address} of '{machine.name}' is outside {network}",
                at=at,
                hint=f"write a number from 2 to {network.num_addresses - 2}"
                if network.num_addresses > 4
                else "choose a larger network.cidr, for example 10.42.0.0/24",
            )
            continue
        address = network.network_address + machine.address
        if address in taken:
            problems.add(
                f"address {address} of '{machine.name}' is already taken by {taken[address]}",
                at=at,
                hint="give each machine an address of its own",
            )
        taken.setdefault(address, f"'{machine.name}'")
        addresses[machine.name] = address
    return addresses


def plan_services(
    profile: Profile, catalog: Catalog, sites: tuple[Site, ...], *, cuda: bool, system: System = PROVEN
) -> tuple[PlannedService, ...]:
    """Every service with its port and release; the gateway's port is that of its first site.

    `cuda`: an engine runs on real cards, and its release is the recipe's variant for them.
    """
    planned = []
    for machine in profile.machines:
        for name in machine.services:
            entry = catalog.services[name]
            port = sites[0].port if name == GATEWAY_SERVICE and sites else entry.port
            built = entry.release if cuda and name in ENGINES and not (entry.artifacts or entry.held) else None
            release = f"{built}-cuda" if built else entry.release
            planned.append(
                PlannedService(
                    name=name,
                    machine=machine.name,
                    port=port,
                    unit=unit_on(system, name, entry.unit),
                    release=release,
                    artifacts=entry.artifacts,
                    images=entry.images,
                    held=entry.held,
                    stand_in=entry.stand_in,
                )
            )
    return tuple(planned)


def plan_sites(
    profile: Profile, homes: Mapping[str, Machine], addresses: Mapping[str, IPv4Address], catalog: Catalog
) -> tuple[Site, ...]:
    """What a person opens, each at a port of the gateway machine. None without a gateway."""
    if GATEWAY_SERVICE not in homes:
        return ()
    access = profile.access
    ports = {
        "chat": access.chat_port,
        "flows": access.flows_port,
        "metrics": access.metrics_port,
        "traces": access.traces_port,
        "challenge": access.challenge_port,
    }
    gateway = addresses[homes[GATEWAY_SERVICE].name]
    sites = []
    for name, (service, purpose) in _SITES.items():
        if service in homes:
            suffix = "" if ports[name] == 443 else f":{ports[name]}"
            host = f"{name}.{profile.network.domain}"
            sites.append(
                Site(
                    name=name,
                    purpose=purpose,
                    host=host,
                    port=ports[name],
                    # Only the gateway's own CA vouches for its address too.
                    url=f"https://{gateway if profile.access.certificate.source == 'own' else host}{suffix}/",
                    upstream=f"{addresses[homes[service].name]}:{catalog.services[service].port}",
                    address=str(gateway),
                    paths=catalog.services[service].site or SitePaths(),
                )
            )
    return tuple(sites)


def plan_flows(
    profile: Profile,
    catalog: Catalog,
    homes: Mapping[str, Machine],
    engines: tuple[EngineInstance, ...],
    balancers: tuple[Balancer, ...],
    sites: tuple[Site, ...],
) -> tuple[Flow, ...]:
    """All connections between machines that are allowed; within a machine nothing has to be."""
    flows = []
    for machine in profile.machines:
        flows.append(Flow(source="controller", target=machine.name, port=SSH_PORT, purpose="provision sets it up"))
        if profile.network.admin_networks:
            flows.append(Flow(source="admin", target=machine.name, port=SSH_PORT, purpose="administration"))
    for site in sites:
        gateway = homes[GATEWAY_SERVICE].name
        service = _SITES[site.name][0]
        flows.append(Flow(source="world", target=gateway, port=site.port, purpose=site.purpose))
        flows += _between(homes, GATEWAY_SERVICE, service, catalog.services[service].port, f"site {site.name}")
    if sites and answers_on_port_80(profile):
        gateway = homes[GATEWAY_SERVICE].name
        flows.append(Flow(source="world", target=gateway, port=HTTP_PORT, purpose="questions of the ACME server"))
    for service in sorted(homes):
        used = (used for used in catalog.services[service].uses if used in homes)
        for need in (*resolve_needs(service, catalog, homes), *used):
            if need in ENGINES:
                doors: list[EngineInstance | Balancer] = [e for e in engines if e.replica_of is None]
                doors += balancers
                for engine in (engine for engine in doors if engine.service == need):
                    flows += _between(homes, service, need, engine.port, f"{service} asks model {engine.name}")
            elif service != GATEWAY_SERVICE:
                flows += _between(homes, service, need, catalog.services[need].port, f"{service} uses {need}")
    return _merge([*flows, *plan_scrapes(profile, catalog, homes, engines), *plan_alert_flows(profile, homes)])


def check_ports(
    machines: tuple[PlannedMachine, ...],
    services: tuple[PlannedService, ...],
    engines: tuple[EngineInstance | Balancer, ...],
    sites: tuple[Site, ...],
    problems: Problems,
    *,
    redirects: bool = False,
) -> None:
    """No port of a machine may be wanted twice. `redirects`: the gateway answers on port 80 too."""
    watched = any(service.name == PROMETHEUS for service in services)
    for machine in machines:
        wanted: list[tuple[int, str]] = [(SSH_PORT, "ssh")]
        for service in services:
            if service.machine == machine.name and service.port and service.name not in ENGINES | {GATEWAY_SERVICE}:
                wanted.append((service.port, service.name))
            if service.machine == machine.name and service.name == GATEWAY_SERVICE:
                wanted += [(site.port, f"site {site.name}") for site in sites]
                wanted += [(GATEWAY_METRICS_PORT, "the gateway's metrics")] if watched else []
                wanted += [(HTTP_PORT, "the ACME server's question")] if redirects else []
        wanted += [(engine.port, f"model {engine.name}") for engine in engines if engine.machine == machine.name]
        taken: dict[int, str] = {}
        for port, user in wanted:
            if port in taken:
                problems.add(
                    f"port {port} of '{machine.name}' is wanted by {taken[port]} and by {user}",
                    at="access" if user.startswith("site ") else "machines",
                    hint="choose other ports under access, or put the services on different machines",
                )
            taken.setdefault(port, user)
    if not sites and GATEWAY_SERVICE in {service.name for service in services}:
        problems.add(
            "the gateway has nothing to lead to",
            at="machines",
            hint=f"place {' or '.join(service for service, _ in _SITES.values())}, or take {GATEWAY_SERVICE} away",
        )


def _between(homes: Mapping[str, Machine], source: str, target: str, port: int | None, purpose: str) -> list[Flow]:
    if port is None or homes[source].name == homes[target].name:
        return []
    return [Flow(source=homes[source].name, target=homes[target].name, port=port, purpose=purpose)]


def _merge(flows: list[Flow]) -> tuple[Flow, ...]:
    """One flow per source, target and port, with all its purposes, in the order of first mention."""
    merged: dict[tuple[object, ...], Flow] = {}
    for flow in flows:
        key = (flow.source, flow.target, flow.address, flow.port)
        if key in merged:
            purpose = f"{merged[key].purpose}; {flow.purpose}"
            flow = flow.model_copy(update={"purpose": purpose})
        merged[key] = flow
    return tuple(merged.values())

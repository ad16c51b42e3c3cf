"""Which machine carries which services and cards, and whether the hardware carries the machines."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import get_args

from provision.models.catalog import Catalog
from provision.models.monitoring import GPU_EXPORTER, NODE_EXPORTER
from provision.models.plan import OUTSIDE
from provision.models.profile import Engine, Machine, Profile
from provision.planner.problems import Problems, list_choices

ENGINES = frozenset(get_args(Engine))
ANY_ENGINE = "engine"
"""In a service's `needs`: one engine at least, whichever the workload's models are on."""
CONTAINER_SERVICES = frozenset({"langfuse"})
"""Services that run in Docker."""
FIRST_ROLES = ("base", "probe")
ON_MANY = frozenset({NODE_EXPORTER, GPU_EXPORTER})
"""Services of which every machine may have its own."""


def resolve_needs(service: str, catalog: Catalog, homes: Container[str]) -> tuple[str, ...]:
    """The services that a service needs, by name: for "engine" all engines that are placed, or the word itself."""
    placed = tuple(engine for engine in sorted(ENGINES) if engine in homes) or (ANY_ENGINE,)
    needs = catalog.services[service].needs
    return tuple(name for need in needs for name in (placed if need == ANY_ENGINE else (need,)))


def place_services(profile: Profile, catalog: Catalog, problems: Problems) -> dict[str, Machine]:
    """The machine of each service. Every impossible placement is added to `problems`."""
    homes: dict[str, Machine] = {}
    for place, machine, service in _placements(profile):
        if service not in catalog.services:
            problems.add(f"service '{service}' is not known", at=place, hint=list_choices(service, catalog.services))
        elif service in ON_MANY:
            homes.setdefault(service, machine)
        elif service in homes:
            problems.add(
                f"service '{service}' is placed on '{homes[service].name}' and on '{machine.name}'",
                at=place,
                hint="leave it on one machine",
            )
        else:
            homes[service] = machine
    _check_needs(profile, catalog, homes, problems)
    _check_engines(profile, homes, problems)
    return homes


def order_roles(
    machine: Machine, catalog: Catalog, *, shares_cards: bool = False, has_scratch: bool = False
) -> tuple[str, ...]:
    """Roles in the order they are applied: base, probe, then each service after the services it needs.

    `shares_cards`: a container that gets a node's cards, and so the libraries of the node's driver first of all.
    `has_scratch`: a host whose scratch disk must be there before models are fetched.
    """
    ordered: list[str] = []
    waiting = list(machine.services)
    while waiting:
        ready = next((s for s in waiting if not set(resolve_needs(s, catalog, waiting)) & set(waiting)), waiting[0])
        waiting.remove(ready)
        ordered.append(catalog.services[ready].role)
    before = [*(["nvidia_guest"] if shares_cards else []), *(["scratch"] if has_scratch else [])]
    return (*FIRST_ROLES, *before, *dict.fromkeys(ordered))


def check_machines(profile: Profile, problems: Problems) -> None:
    """Names, kinds, and the sum of all machines against the hardware."""
    seen: dict[str, int] = {}
    for index, machine in enumerate(profile.machines):
        at = f"machines.{index}"
        if machine.name in seen:
            problems.add(
                f"two machines are called '{machine.name}'",
                at=f"{at}.name",
                hint=f"rename one of machines.{seen[machine.name]} and machines.{index}",
            )
        if machine.name in RESERVED:
            problems.add(
                f"a machine may not be called '{machine.name}'",
                at=f"{at}.name",
                hint="the plan and the inventory use that word themselves; choose another name",
            )
        if machine.name.endswith("-"):
            problems.add(
                f"the machine's name '{machine.name}' ends with a hyphen, which no host name may",
                at=f"{at}.name",
                hint=f"write {machine.name.rstrip('-')}",
            )
        seen.setdefault(machine.name, index)
        _check_kind(profile, machine, at, problems)
        if machine.cores > profile.hardware.cpu.cores:
            problems.add(
                f"'{machine.name}' wants {machine.cores} cores, the CPU has {profile.hardware.cpu.cores}",
                at=f"{at}.cores",
                hint=f"write at most {profile.hardware.cpu.cores}",
            )
    itself = [machine.name for machine in profile.machines if machine.kind == "host"]
    if len(itself) > 1:
        problems.add(
            f"{' and '.join(itself)} are all to be the host itself",
            at="machines",
            hint="there is one host: put their services on one machine of kind host",
        )
    _check_sum(profile, "memory", problems)
    _check_sum(profile, "disk", problems)


RESERVED = frozenset({OUTSIDE, "controller", "admin", "world", "all", "ungrouped", "localhost", "machines"})
"""Words that flows, Ansible and the inventory use for something else."""


def _placements(profile: Profile) -> Iterator[tuple[str, Machine, str]]:
    for index, machine in enumerate(profile.machines):
        for position, service in enumerate(machine.services):
            yield f"machines.{index}.services.{position}", machine, service


def _check_needs(profile: Profile, catalog: Catalog, homes: dict[str, Machine], problems: Problems) -> None:
    for place, _, service in _placements(profile):
        needs = resolve_needs(service, catalog, homes) if service in catalog.services else ()
        for missing in (need for need in needs if need not in homes):
            wanted = f"one of {', '.join(sorted(ENGINES))}" if missing == ANY_ENGINE else missing
            problems.add(
                f"service '{service}' needs '{missing}', which is placed nowhere",
                at=place,
                hint=f"add {wanted} to the services of a machine",
            )


def _check_engines(profile: Profile, homes: dict[str, Machine], problems: Problems) -> None:
    wanted = {model.engine for model in profile.workload.models}
    for index, model in enumerate(profile.workload.models):
        if model.engine not in homes:
            problems.add(
                f"model '{model.name}' is to run on '{model.engine}', which is placed nowhere",
                at=f"workload.models.{index}.engine",
                hint=f"add {model.engine} to the services of a machine",
            )
    for idle in sorted(ENGINES & set(homes) - wanted):
        problems.add(
            f"engine '{idle}' has no model to serve",
            at="workload.models",
            hint=f"give a model the engine {idle}, or take {idle} off machine '{homes[idle].name}'",
        )
    if profile.hardware.gpus and not ENGINES & set(homes):
        problems.add(
            "the hardware has GPUs, but no machine carries an engine that would use them",
            at="hardware.gpus",
            hint=f"add one of {', '.join(sorted(ENGINES))} to the services of a machine",
        )


def _check_kind(profile: Profile, machine: Machine, at: str, problems: Problems) -> None:
    if machine.kind == "vm" and profile.platform.kind != "proxmox":
        problems.add(
            f"'{machine.name}' is to be a virtual machine, which only a Proxmox node makes",
            at=f"{at}.kind",
            hint="write kind: host",
        )
    elif machine.kind == "vm" and ENGINES & set(machine.services):
        problems.add(
            f"'{machine.name}' is to be a virtual machine with an engine, and cards are shared with containers alone",
            at=f"{at}.kind",
            hint="write kind: lxc, or place the engine on another machine",
        )
    elif machine.kind == "lxc" and CONTAINER_SERVICES & set(machine.services):
        problems.add(
            f"'{machine.name}' is to be an LXC container with a service that runs in Docker, which stays out of LXC",
            at=f"{at}.kind",
            hint="write kind: vm",
        )
    elif machine.kind == "host" and profile.platform.kind != "host":
        problems.add(
            f"'{machine.name}' is to be the host itself, but services stay off a {profile.platform.kind} node",
            at=f"{at}.kind",
            hint="write kind: lxc, or platform.kind: host",
        )


def _check_sum(profile: Profile, resource: str, problems: Problems) -> None:
    there = profile.hardware.memory if resource == "memory" else profile.hardware.storage
    wanted = sum(machine.memory if resource == "memory" else machine.disk for machine in profile.machines)
    if wanted > there:
        each = ", ".join(
            f"{machine.name} {machine.memory if resource == 'memory' else machine.disk}" for machine in profile.machines
        )
        problems.add(
            f"the machines want {wanted} MiB of {resource}, the hardware has {there} MiB",
            at="machines",
            hint=f"take {wanted - there} MiB away ({each})",
        )

"""Which machines carry exporters, and who may read them."""

from __future__ import annotations

from collections.abc import Mapping

from provision.models.catalog import Catalog
from provision.models.monitoring import (
    ALERTMANAGER,
    DECISION_LAYER,
    ENGINE_JOBS,
    GATEWAY,
    GATEWAY_METRICS_PORT,
    GPU_EXPORTER,
    GRAFANA,
    NODE_EXPORTER,
    PROMETHEUS,
)
from provision.models.plan import EngineInstance, Flow
from provision.models.profile import Machine, Profile
from provision.planner.placement import ENGINES
from provision.planner.problems import Problems


def add_exporters(profile: Profile) -> Profile:
    """The profile with node_exporter on every machine, gpu_exporter beside the engines; as it is without Prometheus."""
    if all(PROMETHEUS not in machine.services for machine in profile.machines):
        return profile
    machines = tuple(
        machine.model_copy(update={"services": _with_exporters(machine, cards=bool(profile.hardware.gpus))})
        for machine in profile.machines
    )
    return profile.model_copy(update={"machines": machines})


def check_neighbours(homes: Mapping[str, Machine], problems: Problems) -> None:
    """Prometheus asks nobody who they are, so it is open on loopback alone: who speaks with it lives beside it."""
    for service in (ALERTMANAGER, GRAFANA):
        if {service, PROMETHEUS} <= homes.keys() and homes[service].name != homes[PROMETHEUS].name:
            problems.add(
                f"'{service}' is on '{homes[service].name}', but {PROMETHEUS} on '{homes[PROMETHEUS].name}'",
                at="machines",
                hint=f"move {service} to '{homes[PROMETHEUS].name}': they meet on loopback",
            )


def plan_scrapes(
    profile: Profile, catalog: Catalog, homes: Mapping[str, Machine], engines: tuple[EngineInstance, ...]
) -> list[Flow]:
    """From Prometheus' machine to every exporter and engine and the decision layer on another one."""
    if PROMETHEUS not in homes:
        return []
    source = homes[PROMETHEUS].name
    wanted = [
        (machine.name, catalog.services[exporter].port)
        for machine in profile.machines
        for exporter in (NODE_EXPORTER, GPU_EXPORTER)
        if exporter in machine.services
    ]
    wanted += [(engine.machine, engine.port) for engine in engines if engine.service in ENGINE_JOBS]
    wanted += [(homes[GATEWAY].name, GATEWAY_METRICS_PORT)] if GATEWAY in homes else []
    wanted += [(homes[DECISION_LAYER].name, catalog.services[DECISION_LAYER].port)] if DECISION_LAYER in homes else []
    return [
        Flow(source=source, target=machine, port=port, purpose="prometheus reads metrics")
        for machine, port in wanted
        if machine != source and port is not None
    ]


def _with_exporters(machine: Machine, *, cards: bool) -> tuple[str, ...]:
    gpu = [GPU_EXPORTER] if cards and ENGINES & set(machine.services) else []
    return tuple(dict.fromkeys([*machine.services, NODE_EXPORTER, *gpu]))

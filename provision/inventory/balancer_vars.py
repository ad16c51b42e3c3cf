"""One address for several servers of a model: a front of the role `engine_front` with all of them behind it."""

from __future__ import annotations

from typing import Any

from provision.inventory.secrets import api_key_of
from provision.inventory.vllm_vars import ALLOWED
from provision.models.plan import Balancer, Plan, PlannedMachine


def balancer_fronts(plan: Plan, machine: PlannedMachine) -> list[dict[str, Any]]:
    """The fronts of all models with replicas on this machine."""
    return [_front(plan, machine, item) for item in plan.balancers if item.machine == machine.name]


def _front(plan: Plan, machine: PlannedMachine, balancer: Balancer) -> dict[str, Any]:
    members = [engine for engine in plan.engines if engine.name in balancer.members]
    first, *others = (f"{machine.address}:{engine.port}" for engine in members)
    return {
        "name": balancer.name,
        "address": str(machine.address),
        "port": balancer.port,
        "upstream": first,
        "more_upstreams": others,
        "key": api_key_of(members[0]),
        # llama-server answers the same paths as vLLM: its front lets through what clients need of it.
        "paths": list(ALLOWED),
    }

"""How the guests of a Proxmox node differ from the plan, for `provision status`. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.errors import PlanError
from provision.models.guests import Container, ContainerState, GuestDrift
from provision.pipeline.containers import Node, list_own
from provision.platforms.containers import compare, describe_containers, devices_of


def find_drift(node: Node) -> tuple[GuestDrift, ...]:
    """Every difference, guest by guest in the order of starting. Raises what the API raises."""
    there = {state.id: state for state in node.api.containers()}
    wanted = describe_containers(node.plan)
    found = [GuestDrift(machine=c.name, what=what) for c in wanted for what in _differences(node, c, there)]
    planned = {container.id for container in wanted}
    stray = [state for state in list_own(node) if state.id not in planned]
    return (*found, *(GuestDrift(machine=s.name, what=f"guest {s.id} has our tag and is not planned") for s in stray))


def _differences(node: Node, container: Container, there: Mapping[int, ContainerState]) -> Iterator[str]:
    state = there.get(container.id)
    if state is None:
        yield f"guest {container.id} is missing"
        return
    if node.where.tag not in state.tags:
        yield f"guest {container.id} does not have the tag {node.where.tag}: it is left alone"
        return
    if state.status != "running":
        yield f"guest {container.id} is {state.status}"
    if state.lock:
        yield f"guest {container.id} is locked ({state.lock})"
    config = node.api.config(container.id)
    try:
        change = compare(container, config)
    except PlanError as error:
        yield error.what
        return
    yield from (f"{key} is {config.get(key, 'not set')}, planned {value}" for key, value in change.options.items())
    yield from (f"{disk} is to grow to {gib} GiB" for disk, gib in change.grow.items())
    given = devices_of(config)
    if given != container.devices:
        yield f"its devices are {', '.join(given) or 'none'}, planned {', '.join(container.devices) or 'none'}"

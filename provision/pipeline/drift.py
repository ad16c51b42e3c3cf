"""How the guests of a Proxmox node differ from the plan, for `provision status`. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from provision.errors import PlanError
from provision.models.guests import Guest, GuestDrift, GuestState
from provision.pipeline.guests import list_own
from provision.pipeline.node import read_node
from provision.pipeline.proxmox_node import Node
from provision.platforms.guests import compare, describe_guests, devices_of


def find_drift(node: Node) -> tuple[GuestDrift, ...]:
    """Every difference, guest by guest in the order of starting. Raises what the API raises."""
    there = {state.id: state for state in node.api.guests()}
    wanted = describe_guests(node.plan)
    found = [GuestDrift(machine=c.name, what=what) for c in wanted for what in _differences(node, c, there)]
    planned = {guest.id for guest in wanted}
    stray = [state for state in list_own(node) if state.id not in planned]
    return (*found, *(GuestDrift(machine=s.name, what=f"guest {s.id} has our tag and is not planned") for s in stray))


def explain_silent(node: Node, names: Collection[str]) -> dict[str, str]:
    """Why guests do not answer: their state on the node, and what keeps them from starting. Raises as `find_drift`."""
    there = {state.id: state for state in node.api.guests()}
    devices = read_node(node.access.login).device_nodes
    found = {}
    for guest in describe_guests(node.plan):
        state = there.get(guest.id)
        if guest.name not in names or (state and state.status == "running"):
            continue
        found[guest.name] = f"guest {guest.id} is {state.status if state else 'missing'} on its node"
        lacking = [path for path in guest.devices if devices is not None and path not in devices]
        if lacking:
            found[guest.name] += f" and cannot start, the node lacks {', '.join(lacking)}"
    return found


def _differences(node: Node, guest: Guest, there: Mapping[int, GuestState]) -> Iterator[str]:
    state = there.get(guest.id)
    if state is None:
        yield f"guest {guest.id} is missing"
        return
    if node.where.tag not in state.tags:
        yield f"guest {guest.id} does not have the tag {node.where.tag}: it is left alone"
        return
    if state.status != "running":
        yield f"guest {guest.id} is {state.status}"
    if state.lock:
        yield f"guest {guest.id} is locked ({state.lock})"
    config = node.api.config(guest)
    try:
        change = compare(guest, config)
    except PlanError as error:
        yield error.what
        return
    yield from (f"{key} is {config.get(key, 'not set')}, planned {value}" for key, value in change.options.items())
    yield from (f"{disk} is to grow to {gib} GiB" for disk, gib in change.grow.items())
    given = devices_of(config)
    if given != guest.devices:
        yield f"its devices are {', '.join(given) or 'none'}, planned {', '.join(guest.devices) or 'none'}"

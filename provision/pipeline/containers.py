"""The containers of a plan on their node: made, changed, started, taken away. What is not ours is never touched."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from provision.errors import ErrorGroup, ProvisionError, SetupError
from provision.models.base import Frozen
from provision.models.guests import Container, ContainerState
from provision.models.node import NodeAccess
from provision.models.plan import Plan, ProxmoxPlan
from provision.pipeline.guest_login import ensure_key, guest_connections, known_addresses, note_host_keys
from provision.pipeline.node_shell import run_on_node
from provision.pipeline.stages import StageClock
from provision.pipeline.token import require_proxmox
from provision.platforms.containers import compare, creation_parameters
from provision.platforms.proxmox import ProxmoxNode
from provision.platforms.ssh import check_reachable
from provision.runner.workspace import Workspace

ROOT_COMMAND = "/usr/local/sbin/provision-guest-devices"
AT_ONCE = 4
READY_LIMIT_S = 120.0
RETRY_S = 0.2


class Node(Frozen, arbitrary_types_allowed=True):
    """What the functions below work with."""

    plan: Plan
    access: NodeAccess
    api: ProxmoxNode
    workspace: Workspace

    @property
    def where(self) -> ProxmoxPlan:
        return require_proxmox(self.plan)


def ensure_containers(node: Node, wanted: Sequence[Container], template: str, clock: StageClock) -> int:
    """Make every container what the plan says, and start it; how many were made, changed or started.

    Raises ErrorGroup of all that is in the way before anything is changed; later RunError, SetupError or
    UnreachableError, after which the next run goes on.
    """
    there = {state.id: state for state in node.api.containers()}
    _refuse(node, wanted, there)
    key = ensure_key(node.workspace)
    made = [container for container in wanted if container.id not in there]
    _all(wanted, lambda container: _make_or_change(node, container, container.id in there, template, key, clock))
    given = _all(wanted, lambda container: _give_devices(node, container))
    running = {state.id for state in there.values() if state.status == "running"}
    stale = [c for c in wanted if c.id in running and node.api.has_pending(c.id)]
    for container in stale:
        clock.note(f"{container.name}: restarting guest {container.id}, or what was changed would not take effect")
        node.api.shut_down(container.id)
    started = _start(node, [c for c in wanted if c.id not in running or c in stale], clock)
    _learn_host_keys(node, wanted, {container.id for container in made})
    _await(node, clock)
    return len(made) + sum(given) + started


def list_own(node: Node) -> tuple[ContainerState, ...]:
    """Every container that carries the client's tag, of those that the token may see: the client's pool."""
    return tuple(state for state in node.api.containers() if node.where.tag in state.tags)


def stop_containers(node: Node, wanted: Sequence[Container], clock: StageClock) -> None:
    """Shut down those of `wanted` that run and are ours."""
    running = {state.id for state in list_own(node) if state.status == "running"}
    chosen = [container for container in wanted if container.id in running]
    for container in chosen:
        clock.note(f"{container.name}: stopping guest {container.id}")
    _all(chosen, lambda container: node.api.shut_down(container.id))


def remove_containers(node: Node, clock: StageClock) -> tuple[str, ...]:
    """Stop and destroy what `list_own` finds; the names."""
    ours = list_own(node)
    for state in ours:
        clock.note(f"removing guest {state.id} '{state.name}'")
    _all(ours, lambda state: _remove(node, state))
    return tuple(state.name for state in ours)


def _refuse(node: Node, wanted: Sequence[Container], there: dict[int, ContainerState]) -> None:
    tag, errors = node.where.tag, list[ProvisionError]()
    for container in wanted:
        state = there.get(container.id)
        if state is None:
            continue
        where = f"guest {state.id} of node {node.access.node}"
        if tag not in state.tags:
            errors.append(
                SetupError(
                    f"the id planned for '{container.name}' is taken by '{state.name}', which is not ours",
                    where=where,
                    hint="choose other ids: --set platform.guests.first_id=N",
                )
            )
        elif state.lock:
            errors.append(
                SetupError(
                    f"'{state.name}' is locked ({state.lock}): a task is at work on it, or was killed",
                    where=where,
                    hint="wait for the task; if none runs, provision up --release-locks (as root: pct unlock)",
                )
            )
    if errors:
        raise ErrorGroup(errors)


def _make_or_change(node: Node, container: Container, exists: bool, template: str, key: str, clock: StageClock) -> None:
    if not exists:
        clock.note(f"{container.name}: making guest {container.id}")
        node.api.create(creation_parameters(container, node.where, template, key))
        return
    change = compare(container, node.api.config(container.id))
    if change.options:
        clock.note(f"{container.name}: changing {', '.join(sorted(change.options))} of guest {container.id}")
        node.api.update(container.id, change.options)
    for disk, gib in change.grow.items():
        clock.note(f"{container.name}: growing {disk} of guest {container.id} to {gib} GiB")
        node.api.grow(container.id, disk, gib)


def _give_devices(node: Node, container: Container) -> bool:
    """By the one command that root owns there (docs/root-command.md); whether something changed."""
    words = (ROOT_COMMAND, "set", node.plan.client, str(container.id), str(container.device_gid), *container.devices)
    return bool(json.loads(run_on_node(node.access.login, words))["changed"])


def _start(node: Node, stopped: Sequence[Container], clock: StageClock) -> int:
    """Group by group in the order of starting."""
    for order in sorted({container.start_order for container in stopped}):
        group = [container for container in stopped if container.start_order == order]
        for container in group:
            clock.note(f"{container.name}: starting guest {container.id}")
        _all(group, lambda container: node.api.start(container.id))
    return len(stopped)


def _learn_host_keys(node: Node, wanted: Sequence[Container], made: set[int]) -> None:
    """The node reads a new guest's public host key from inside; so nobody can stand between."""
    addresses = {machine.name: machine.address for machine in node.plan.machines}
    known = known_addresses(node.workspace)
    unknown = [c for c in wanted if c.id in made or str(addresses[c.name]) not in known]
    words = (ROOT_COMMAND, "hostkeys", node.plan.client)
    keys = _all(unknown, lambda container: run_on_node(node.access.login, (*words, str(container.id))))
    told = {addresses[container.name]: key for container, key in zip(unknown, keys, strict=True)}
    note_host_keys(node.workspace, told, [address for address in addresses.values() if address not in told])


def _await(node: Node, clock: StageClock) -> None:
    """Until every guest answers by ssh. Raises ErrorGroup of UnreachableError after READY_LIMIT_S seconds."""
    deadline = time.monotonic() + READY_LIMIT_S
    connections = guest_connections(node.workspace, node.plan)
    while unreachable := check_reachable(connections, timeout=10.0):
        if time.monotonic() > deadline:
            raise ErrorGroup(unreachable)
        time.sleep(RETRY_S)
    clock.note(f"{len(connections)} guests answer")


def _remove(node: Node, state: ContainerState) -> None:
    if state.status == "running":
        # Its data goes with it: nothing is won by waiting for services to end.
        node.api.stop(state.id)
    node.api.destroy(state.id)


def _all[Item, Result](items: Iterable[Item], do: Callable[[Item], Result]) -> list[Result]:
    """Do it for all at once. Raises ErrorGroup of everything that failed, when all have ended."""
    chosen = list(items)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        futures = [pool.submit(do, item) for item in chosen]
    errors: list[ProvisionError] = []
    for future in futures:
        error = future.exception()
        if isinstance(error, ProvisionError):
            errors.append(error)
        elif isinstance(error, ErrorGroup):
            errors.extend(error.errors)
        elif error is not None:
            raise error
    if errors:
        raise ErrorGroup(errors)
    return [future.result() for future in futures]

"""The containers of a plan on their node: made, changed, started, taken away. What is not ours is never touched."""

from __future__ import annotations

import json
from collections.abc import Sequence

from provision.errors import ErrorGroup, ProvisionError, SetupError
from provision.models.guests import Container, ContainerState
from provision.pipeline.at_once import for_all
from provision.pipeline.guest_login import ensure_key
from provision.pipeline.guest_reach import await_guests, ensure_python, learn_host_keys
from provision.pipeline.node_shell import run_on_node
from provision.pipeline.proxmox_node import ROOT_COMMAND, Node
from provision.pipeline.stages import StageClock
from provision.platforms.containers import compare, creation_parameters, is_ours


def ensure_containers(
    node: Node, wanted: Sequence[Container], template: str, clock: StageClock, *, remove_stray: bool
) -> int:
    """Make every container what the plan says, and start it; how many were made, changed, started or removed.

    `remove_stray`: those of ours that are not planned any more are destroyed; else they are only told.

    Raises ErrorGroup of all that is in the way before anything is changed; later RunError, SetupError or
    UnreachableError, after which the next run goes on.
    """
    there = {state.id: state for state in node.api.containers()}
    _refuse(node, wanted, there)
    removed = _settle_stray(node, wanted, clock, remove=remove_stray)
    key = ensure_key(node.workspace)
    made = [container for container in wanted if container.id not in there]
    changed = for_all(
        wanted, lambda container: _make_or_change(node, container, container.id in there, template, key, clock)
    )
    given = for_all(wanted, lambda container: _give_devices(node, container))
    running = {state.id for state in there.values() if state.status == "running"}
    stale = [c for c in wanted if c.id in running and node.api.has_pending(c.id)]
    for container in stale:
        clock.note(f"{container.name}: restarting guest {container.id}, or what was changed would not take effect")
        node.api.shut_down(container.id)
    started = _start(node, [c for c in wanted if c.id not in running or c in stale], clock)
    learn_host_keys(node, wanted, {container.id for container in made})
    await_guests(node, clock)
    ensure_python(node, {container.name for container in made})
    return removed + sum(changed) + sum(given) + started


def list_own(node: Node) -> tuple[ContainerState, ...]:
    """Every container that carries the client's tag, of those that the token may see: the client's pool."""
    return tuple(state for state in node.api.containers() if node.where.tag in state.tags)


def stop_containers(node: Node, wanted: Sequence[Container], clock: StageClock) -> None:
    """Shut down those of `wanted` that run and are ours."""
    running = {state.id for state in list_own(node) if state.status == "running"}
    chosen = [container for container in wanted if container.id in running]
    for container in chosen:
        clock.note(f"{container.name}: stopping guest {container.id}")
    for_all(chosen, lambda container: node.api.shut_down(container.id))


def _settle_stray(node: Node, wanted: Sequence[Container], clock: StageClock, *, remove: bool) -> int:
    """Before others are made: one that moved to another id or address leaves its name and address free."""
    planned = {container.id for container in wanted}
    stray = [state for state in list_own(node) if state.id not in planned]
    for state in stray:
        advice = "removing it" if remove else "it stays; provision up --remove-guests destroys it with its data"
        clock.note(f"guest {state.id} '{state.name}' is not planned any more: {advice}")
    if remove:
        for_all(stray, lambda state: _remove(node, state))
    return len(stray) if remove else 0


def remove_containers(node: Node, clock: StageClock) -> tuple[str, ...]:
    """Stop and destroy what `list_own` finds; the names."""
    ours = list_own(node)
    for state in ours:
        clock.note(f"removing guest {state.id} '{state.name}'")
    for_all(ours, lambda state: _remove(node, state))
    return tuple(state.name for state in ours)


def _refuse(node: Node, wanted: Sequence[Container], there: dict[int, ContainerState]) -> None:
    tag, errors = node.where.tag, list[ProvisionError]()
    for container in wanted:
        state = there.get(container.id)
        if state is None:
            continue
        where = f"guest {state.id} of node {node.access.node}"
        if not is_ours(state, container, tag):
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


def _make_or_change(node: Node, container: Container, exists: bool, template: str, key: str, clock: StageClock) -> bool:
    if not exists:
        clock.note(f"{container.name}: making guest {container.id}")
        node.api.create(creation_parameters(container, node.where, template, key))
        node.api.update(container.id, {"tags": container.options["tags"]})
        return True
    change = compare(container, node.api.config(container.id))
    if change.options:
        clock.note(f"{container.name}: changing {', '.join(sorted(change.options))} of guest {container.id}")
        node.api.update(container.id, change.options)
    for disk, gib in change.grow.items():
        clock.note(f"{container.name}: growing {disk} of guest {container.id} to {gib} GiB")
        node.api.grow(container.id, disk, gib)
    return not change.is_empty


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
        for_all(group, lambda container: node.api.start(container.id))
    return len(stopped)


def _remove(node: Node, state: ContainerState) -> None:
    if state.status == "running":
        # Its data goes with it: nothing is won by waiting for services to end.
        node.api.stop(state.id)
    node.api.destroy(state.id)

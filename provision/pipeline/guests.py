"""The guests of a plan on their node: made, changed, started, taken away. What is not ours is never touched."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from provision.errors import ErrorGroup, ProvisionError, SetupError
from provision.models.guests import Guest, GuestKind, GuestState
from provision.pipeline.at_once import for_all
from provision.pipeline.guest_login import ensure_key
from provision.pipeline.guest_reach import await_guests, ensure_python, learn_host_keys
from provision.pipeline.node_shell import run_on_node
from provision.pipeline.proxmox_node import ROOT_COMMAND, Node
from provision.pipeline.stages import StageClock
from provision.platforms.guests import compare, creation_parameters, is_ours


def bring_guests(
    node: Node, wanted: Sequence[Guest], sources: Mapping[GuestKind, str], clock: StageClock, *, remove_stray: bool
) -> int:
    """Make every guest what the plan says, and start it; how many were made, changed, started or removed.

    `sources`: by kind, the volume of the template or image that a new guest is made from.
    `remove_stray`: those of ours that are not planned any more are destroyed; else they are only told.

    Raises ErrorGroup of all that is in the way before anything is changed; later RunError, SetupError or
    UnreachableError, after which the next run goes on.
    """
    there = {state.id: state for state in node.api.guests()}
    _refuse(node, wanted, there)
    removed = _settle_stray(node, wanted, clock, remove=remove_stray)
    key = ensure_key(node.workspace)
    made = [guest for guest in wanted if guest.id not in there]
    changed = for_all(wanted, lambda guest: _make_or_change(node, guest, guest.id in there, sources, key, clock))
    given = for_all(wanted, lambda guest: _give_devices(node, guest))
    running = {state.id for state in there.values() if state.status == "running"}
    stale = [c for c in wanted if c.id in running and node.api.has_pending(c)]
    for guest in stale:
        clock.note(f"{guest.name}: restarting guest {guest.id}, or what was changed would not take effect")
        node.api.shut_down(guest)
    started = _start(node, [c for c in wanted if c.id not in running or c in stale], clock)
    learn_host_keys(node, wanted, {guest.id for guest in made})
    await_guests(node, clock)
    ensure_python(node, {guest.name for guest in made})
    return removed + sum(changed) + sum(given) + started


def list_own(node: Node) -> tuple[GuestState, ...]:
    """Every guest that carries the client's tag, of those that the token may see: the client's pool."""
    return tuple(state for state in node.api.guests() if node.where.tag in state.tags)


def stop_guests(node: Node, wanted: Sequence[Guest], clock: StageClock) -> None:
    """Shut down those of `wanted` that run and are ours."""
    running = {state.id for state in list_own(node) if state.status == "running"}
    chosen = [guest for guest in wanted if guest.id in running]
    for guest in chosen:
        clock.note(f"{guest.name}: stopping guest {guest.id}")
    for_all(chosen, lambda guest: node.api.shut_down(guest))


def _settle_stray(node: Node, wanted: Sequence[Guest], clock: StageClock, *, remove: bool) -> int:
    """Before others are made: one that moved to another id or address leaves its name and address free."""
    planned = {guest.id for guest in wanted}
    stray = [state for state in list_own(node) if state.id not in planned]
    for state in stray:
        advice = "removing it" if remove else "it stays; provision up --remove-guests destroys it with its data"
        clock.note(f"guest {state.id} '{state.name}' is not planned any more: {advice}")
    if remove:
        for_all(stray, lambda state: _remove(node, state))
    return len(stray) if remove else 0


def remove_guests(node: Node, clock: StageClock) -> tuple[str, ...]:
    """Stop and destroy what `list_own` finds; the names."""
    ours = list_own(node)
    for state in ours:
        clock.note(f"removing guest {state.id} '{state.name}'")
    for_all(ours, lambda state: _remove(node, state))
    return tuple(state.name for state in ours)


def _refuse(node: Node, wanted: Sequence[Guest], there: dict[int, GuestState]) -> None:
    tag, errors = node.where.tag, list[ProvisionError]()
    for guest in wanted:
        state = there.get(guest.id)
        if state is None:
            continue
        where = f"guest {state.id} of node {node.access.node}"
        if not is_ours(state, guest, tag):
            errors.append(
                SetupError(
                    f"the id planned for '{guest.name}' is taken by '{state.name}', which is not ours",
                    where=where,
                    hint="choose other ids: --set platform.guests.first_id=N",
                )
            )
        elif state.kind != guest.kind:
            errors.append(
                SetupError(
                    f"'{guest.name}' stands as a guest of kind {state.kind}, and {guest.kind} is planned",
                    where=where,
                    hint="its data does not move along: save it and run provision down, or plan another address",
                )
            )
        elif state.lock:
            errors.append(
                SetupError(
                    f"'{state.name}' is locked ({state.lock}): a task is at work on it, or was killed",
                    where=where,
                    hint="wait for the task; if none runs, provision up --release-locks (as root: pct or qm unlock)",
                )
            )
    if errors:
        raise ErrorGroup(errors)


def _make_or_change(
    node: Node, guest: Guest, exists: bool, sources: Mapping[GuestKind, str], key: str, clock: StageClock
) -> bool:
    if not exists:
        clock.note(f"{guest.name}: making guest {guest.id}")
        node.api.create(guest, creation_parameters(guest, node.where, sources[guest.kind], key))
        node.api.update(guest, {"tags": guest.options["tags"]})
    change = compare(guest, node.api.config(guest))
    if change.options:
        clock.note(f"{guest.name}: changing {', '.join(sorted(change.options))} of guest {guest.id}")
        node.api.update(guest, change.options)
    for disk, gib in change.grow.items():
        clock.note(f"{guest.name}: growing {disk} of guest {guest.id} to {gib} GiB")
        node.api.grow(guest, disk, gib)
    return not exists or not change.is_empty


def _give_devices(node: Node, guest: Guest) -> bool:
    """By the one command that root owns there (docs/root-command.md); whether something changed."""
    if guest.kind != "lxc":
        return False
    words = (ROOT_COMMAND, "set", node.plan.client, str(guest.id), str(guest.device_gid), *guest.devices)
    return bool(json.loads(run_on_node(node.access.login, words))["changed"])


def _start(node: Node, stopped: Sequence[Guest], clock: StageClock) -> int:
    """Group by group in the order of starting."""
    for order in sorted({guest.start_order for guest in stopped}):
        group = [guest for guest in stopped if guest.start_order == order]
        for guest in group:
            clock.note(f"{guest.name}: starting guest {guest.id}")
        for_all(group, lambda guest: node.api.start(guest))
    return len(stopped)


def _remove(node: Node, state: GuestState) -> None:
    if state.status == "running":
        # Its data goes with it: nothing is won by waiting for services to end.
        node.api.stop(state)
    node.api.destroy(state)

"""The node of a plan, made ready for its guests: examined, bound to the plan, its root command and driver in place."""

from __future__ import annotations

from provision.errors import ErrorGroup, ExitCode, PlanError, ProvisionError, SetupError
from provision.models.base import Frozen
from provision.models.node import NodeAccess, NodeFinding, NodeObservation
from provision.models.plan import Plan
from provision.models.profile import Profile
from provision.pipeline.guests import bring_guests
from provision.pipeline.node import read_node
from provision.pipeline.node_access import open_node
from provision.pipeline.node_files import wanted_files
from provision.pipeline.node_shell import run_on_node
from provision.pipeline.proxmox_node import Node
from provision.pipeline.stages import StageClock
from provision.pipeline.template import ensure_sources
from provision.pipeline.token import ensure_lab_token, open_api, require_privileges
from provision.platforms.guests import describe_guests
from provision.preflight.check import Evidence
from provision.preflight.judge import judge
from provision.runner.workspace import Workspace


class ReadyNode(Frozen):
    """A node that passed its preflight, and the plan bound to its cards."""

    plan: Plan
    access: NodeAccess
    node: NodeObservation


def prepare_node(
    workspace: Workspace, plan: Plan, profile: Profile, clock: StageClock, *, release_locks: bool = False
) -> ReadyNode:
    """Reach the node and examine it; nothing on it is changed, except that the lab's is made.

    `release_locks`: locks of the plan's own guests that no task holds are released first.

    Raises ErrorGroup of all that is in the way, SetupError where there is no token.
    """
    access = open_node(workspace, plan, profile, clock)
    if release_locks:
        release_stale_locks(plan, access, clock)
    node = examine_node_of(plan, access, clock)
    if plan.target == "lab":
        ensure_lab_token(workspace, plan, access, clock)
    require_privileges(open_api(workspace, plan, access), plan, clock)
    return ReadyNode(plan=bind_cards(plan, node), access=access, node=node)


def rebind_node(ready: ReadyNode) -> ReadyNode:
    """Read again after its roles ran: only a loaded driver tells the cards' UUIDs and numbers."""
    node = read_node(ready.access.login)
    return ReadyNode(plan=bind_cards(ready.plan, node), access=ready.access, node=node)


def ensure_guests(workspace: Workspace, ready: ReadyNode, clock: StageClock, *, remove_stray: bool = False) -> int:
    """The plan's guests, running and answering; how many were made, changed, started or removed.

    `remove_stray` as for `bring_guests`; in the lab, which holds nobody's data, it is always so.
    """
    plan = ready.plan
    node = Node(
        plan=plan,
        access=ready.access,
        api=open_api(workspace, plan, ready.access),
        workspace=workspace,
    )
    wanted = describe_guests(plan)
    remove = remove_stray or plan.target == "lab"
    return bring_guests(node, wanted, ensure_sources(node, wanted, clock), clock, remove_stray=remove)


def release_stale_locks(plan: Plan, access: NodeAccess, clock: StageClock) -> None:
    """As root, of the plan's own guests; nothing is released while it is not known which tasks run."""
    node = read_node(access.login)
    evidence = Evidence(plan=plan, node=node)
    busy = {task.id for task in node.tasks or ()}
    for guest in node.guests or ():
        ours = evidence.owner(guest) is not None
        if ours and guest.lock and node.tasks is not None and str(guest.id) not in busy:
            clock.note(f"releasing the stale lock ({guest.lock}) of guest {guest.id} '{guest.name}'")
            run_on_node(access.login, ({"lxc": "pct", "qemu": "qm"}[guest.kind], "unlock", str(guest.id)))


def examine_node_of(plan: Plan, access: NodeAccess, clock: StageClock) -> NodeObservation:
    """What the node says, with every warning told. Raises ErrorGroup of all that blocks; nothing is changed."""
    node = read_node(access.login)
    findings = judge(plan, node, mended=True, wanted=wanted_files(plan))
    for finding in findings:
        if finding.severity == "warning":
            clock.note(f"{finding.what} ({finding.where}): {finding.hint}")
    errors = [_error(finding) for finding in findings if finding.severity == "error"]
    if errors:
        # What concerns the node comes first: its exit code is that of the whole.
        raise ErrorGroup(sorted(errors, key=lambda error: error.exit_code != ExitCode.SETUP_BROKEN))
    return node


def _error(finding: NodeFinding) -> ProvisionError:
    kind = SetupError if finding.concerns == "node" else PlanError
    return kind(finding.what, where=finding.where, hint=finding.hint)


def bind_cards(plan: Plan, node: NodeObservation) -> Plan:
    """The plan with UUID, PCI address and number of every card, in the order of the bus.

    Cards that the driver does not name yet keep what was known of them. In the lab all is known beforehand.
    """
    seen = [card for card in node.cards or () if card.uuid is not None]
    if plan.target == "lab" or len(seen) < len(plan.cards):
        return plan
    bound = tuple(
        card.model_copy(update={"uuid": found.uuid, "pci_address": found.address, "minor": found.minor})
        for card, found in zip(plan.cards, seen, strict=False)
    )
    return plan.model_copy(update={"cards": bound})

"""The node of a plan, made ready for its guests: examined, bound to the plan, its root command and driver in place."""

from __future__ import annotations

from provision.errors import ErrorGroup, ExitCode, PlanError, ProvisionError, SetupError
from provision.models.base import Frozen
from provision.models.node import NodeAccess, NodeFinding, NodeObservation
from provision.models.plan import Plan
from provision.models.profile import Profile
from provision.pipeline.containers import Node, ensure_containers
from provision.pipeline.host_stage import driver_artifact
from provision.pipeline.node import read_node
from provision.pipeline.node_access import open_node
from provision.pipeline.stages import StageClock
from provision.pipeline.template import ensure_template
from provision.pipeline.token import ensure_lab_token, open_api, require_privileges
from provision.platforms.containers import describe_containers
from provision.preflight.judge import judge
from provision.runner.workspace import Workspace


class ReadyNode(Frozen):
    """A node that passed its preflight, and the plan bound to its cards."""

    plan: Plan
    access: NodeAccess
    node: NodeObservation


def prepare_node(workspace: Workspace, plan: Plan, profile: Profile, clock: StageClock) -> ReadyNode:
    """Reach the node and examine it; nothing on it is changed, except that the lab's is made.

    Raises ErrorGroup of all that is in the way, SetupError where there is no token.
    """
    access = open_node(workspace, plan, profile, clock)
    node = examine_node_of(plan, access, clock)
    if plan.target == "lab":
        ensure_lab_token(workspace, plan, access, clock)
    require_privileges(open_api(workspace, plan, access), plan)
    return ReadyNode(plan=bind_cards(plan, node), access=access, node=node)


def rebind_node(ready: ReadyNode) -> ReadyNode:
    """Read again after its roles ran: only a loaded driver tells the cards' UUIDs and numbers."""
    node = read_node(ready.access.login)
    return ReadyNode(plan=bind_cards(ready.plan, node), access=ready.access, node=node)


def ensure_guests(workspace: Workspace, ready: ReadyNode, clock: StageClock) -> int:
    """The plan's guests, running and answering; how many were made, changed or started."""
    plan = ready.plan
    node = Node(
        plan=plan,
        access=ready.access,
        api=open_api(workspace, plan, ready.access),
        workspace=workspace,
    )
    wanted = describe_containers(plan, card_minors(plan, ready.node))
    return ensure_containers(node, wanted, ensure_template(node, clock), clock)


def examine_node_of(plan: Plan, access: NodeAccess, clock: StageClock) -> NodeObservation:
    """What the node says, with every warning told. Raises ErrorGroup of all that blocks; nothing is changed."""
    node = read_node(access.login)
    findings = [
        found for found in judge(plan, node, mended=True, driver=_wanted_driver(plan)) if not _has_stand_in(plan, found)
    ]
    for finding in findings:
        if finding.severity == "warning":
            clock.note(f"{finding.what} ({finding.where}): {finding.hint}")
    errors = [_error(finding) for finding in findings if finding.severity == "error"]
    if errors:
        # What concerns the node comes first: its exit code is that of the whole.
        raise ErrorGroup(sorted(errors, key=lambda error: error.exit_code != ExitCode.SETUP_BROKEN))
    return node


def _wanted_driver(plan: Plan) -> str | None:
    return driver_artifact().version if plan.cards else None


def _has_stand_in(plan: Plan, finding: NodeFinding) -> bool:
    """The lab's template is made and uploaded when guests are."""
    return plan.target == "lab" and finding.check == "template"


def _error(finding: NodeFinding) -> ProvisionError:
    kind = SetupError if finding.concerns == "node" else PlanError
    return kind(finding.what, where=finding.where, hint=finding.hint)


def bind_cards(plan: Plan, node: NodeObservation) -> Plan:
    """The plan with the UUID and PCI address of every card, in the order of the bus.

    In the lab they are known beforehand. Cards that the driver does not name yet stay without a UUID.
    """
    cards = node.cards or ()
    if plan.target == "lab" or len(cards) < len(plan.cards):
        return plan
    bound = tuple(
        card.model_copy(update={"uuid": seen.uuid, "pci_address": seen.address})
        for card, seen in zip(plan.cards, cards, strict=False)
    )
    return plan.model_copy(update={"cards": bound})


def card_minors(plan: Plan, node: NodeObservation) -> dict[int, int]:
    """Card of the plan -> N of its /dev/nvidiaN, which the driver tells by PCI address.

    Raises SetupError for a card that the driver does not know.
    """
    by_address = {card.address: card.minor for card in node.cards or ()}
    minors: dict[int, int] = {}
    for card in plan.cards:
        # NVML writes the PCI domain with eight digits, the kernel with four.
        minor = by_address.get((card.pci_address or "").lower()[-12:])
        if minor is None:
            raise SetupError(
                f"the driver does not know card {card.index} ({card.nvml_name})",
                where=f"node {node.node}, PCI address {card.pci_address}",
                hint="provision doctor --profile says which cards the node has",
            )
        minors[card.index] = minor
    return minors

"""A plain host made ready for its services: examined, bound to the plan, its driver respected or installed."""

from __future__ import annotations

from provision.models.inventory import DriverInput
from provision.models.node import NodeAccess, NodeLogin, NodeObservation
from provision.models.plan import Plan, PlannedMachine
from provision.models.profile import Profile
from provision.pipeline.host_stage import converge_node
from provision.pipeline.machines import ensure_lab_guests
from provision.pipeline.node import node_login, read_node
from provision.pipeline.node_access import login_of
from provision.pipeline.node_files import find_driver
from provision.pipeline.node_stage import ReadyNode, bind_cards, examine_node_of
from provision.pipeline.stages import StageClock
from provision.runner.workspace import Workspace


def is_plain_host(plan: Plan) -> bool:
    """A plan with a machine that is there already; in the lab a guest stands for it."""
    return plan.proxmox is None and any(machine.kind == "host" for machine in plan.machines)


def prepare_host(plan: Plan, profile: Profile, clock: StageClock) -> ReadyNode:
    """Reach the host and examine it; nothing on it is changed, except that the lab's is made.

    It is reached at `platform.host`, else at the address that the plan has for it; in the lab always at the latter.
    Raises ErrorGroup of all that is in the way, UnreachableError where it does not let us in.
    """
    login = _lab_login(plan, clock) if plan.target == "lab" else node_login(_with_address(plan, profile))
    access = NodeAccess(login=login, node=login.machine, api_host=login.address, ca_file="")
    node = examine_node_of(plan, access, clock)
    for finding in plan.findings:
        if finding.where == "platform.provider":
            clock.note(f"{finding.what}: {finding.hint}")
    return ReadyNode(plan=bind_cards(plan, node), access=access, node=node)


def bring_host(workspace: Workspace, ready: ReadyNode, clock: StageClock, *, may_reboot: bool) -> tuple[ReadyNode, int]:
    """The driver in place, and how many tasks changed something. Raises RunError or UnreachableError."""
    driver = wanted_driver(ready.plan, ready.node, may_reboot=may_reboot)
    if driver is None:
        if ready.node.driver and ready.plan.cards:
            clock.note(f"NVIDIA driver {ready.node.driver} was there already: it is left as it is")
        return ready, 0
    changed = converge_node(workspace, ready.plan, ready.access, ready.node, driver, clock)
    node = read_node(ready.access.login) if changed else ready.node
    return ReadyNode(plan=bind_cards(ready.plan, node), access=ready.access, node=node), changed


def wanted_driver(plan: Plan, node: NodeObservation, *, may_reboot: bool) -> DriverInput | None:
    """What provision installs; None without cards, and where somebody else's driver is loaded."""
    return None if node.foreign_driver else find_driver(plan, may_reboot=may_reboot)


def _with_address(plan: Plan, profile: Profile) -> Profile:
    if profile.platform.host is not None:
        return profile
    platform = profile.platform.model_copy(update={"host": str(_host_of(plan).address)})
    return profile.model_copy(update={"platform": platform})


def _lab_login(plan: Plan, clock: StageClock) -> NodeLogin:
    state = ensure_lab_guests(plan, clock)
    return login_of(next(host for host in state.hosts if host.name == _host_of(plan).name))


def _host_of(plan: Plan) -> PlannedMachine:
    """The one with the cards, else the first."""
    return max((m for m in plan.machines if m.kind == "host"), key=lambda machine: len(machine.cards))

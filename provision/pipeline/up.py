"""`provision up`: from a profile to a verified stack with a signed receipt."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from provision.errors import ErrorGroup, ProvisionError, RunError, RunInterruptedError, UsageError
from provision.models.base import Frozen
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan, PlanChange
from provision.models.report import StageTime
from provision.pipeline.artifacts import gather_artifacts, require_pinned
from provision.pipeline.certificate import Supplied, keep_site_key, read_certificate
from provision.pipeline.converge import converge, find_pynvml, prepare_inventory
from provision.pipeline.credentials import write_credentials
from provision.pipeline.driver_change import bring_node, first_line, put_back, record_driver
from provision.pipeline.firm_policy import read_firm_policy
from provision.pipeline.guest_login import guest_connections
from provision.pipeline.held import record_releases
from provision.pipeline.machines import ensure_machines, find_controllers, require_platform
from provision.pipeline.node_files import find_driver
from provision.pipeline.node_stage import ReadyNode, ensure_guests, prepare_node
from provision.pipeline.options import Options, Report, open_chosen_workspace
from provision.pipeline.plain_host import bring_host, is_plain_host, prepare_host
from provision.pipeline.planning import Planned, make_plan, save_plan
from provision.pipeline.stages import StageClock
from provision.pipeline.unchanged import Converged, find_unchanged, forget, remember
from provision.pipeline.verification import Verified, verify_stack
from provision.runner.leftovers import end_leftovers
from provision.runner.lock import hold_lock
from provision.runner.workspace import Workspace

GAVE_WAY = "was switched back to"
"""What provision_unit says of a release that did not become ready."""
Confirm = Callable[[Plan, tuple[PlanChange, ...] | None], bool]


class NodeOptions(Frozen):
    """`may_reboot`: restart the node where only that loads its NVIDIA driver. `release_locks`: stale ones of ours.
    `remove_guests`: destroy those of ours that are not planned any more."""

    may_reboot: bool = False
    release_locks: bool = False
    remove_guests: bool = False


class UpResult(Frozen):
    """What `up` leaves: the receipt, how many tasks and guests changed, and the time of each stage.

    `unchanged_since` names the run since which nothing changed, where the playbooks therefore did not run.
    """

    plan: Plan
    changed: int
    unchanged_since: str | None
    verified: Verified
    stages: tuple[StageTime, ...]
    credentials: str


def bring_up(
    options: Options, report: Report, confirm: Confirm, *, full: bool = False, allowed: NodeOptions | None = None
) -> UpResult:
    """Bring the stack up and prove it; running it again goes on where a killed run stopped.

    `full` runs the playbooks even where nothing changed since the last complete run; `allowed` says what may be done
    to a Proxmox node.
    Raises ErrorGroup/ProvisionError of the stage that failed; nothing is changed before the plan stands.
    """
    clock = StageClock(report)
    with clock.stage("plan"):
        planned = make_plan(options)
        require_platform(planned.plan)
        require_pinned(planned.plan)
        supplied = read_certificate(planned.plan)
        policy = read_firm_policy(planned.plan, supplied.files.providers)
        supplied = supplied.model_copy(update={"policy": policy})
    workspace = open_chosen_workspace(options, planned.plan.client)
    with hold_lock(workspace.lock_file):
        if not confirm(planned.plan, planned.changes):
            raise UsageError("not confirmed, nothing was changed", where="provision up", hint="add --yes to go on")
        end_leftovers(workspace.folder)
        return _bring_up(workspace, planned, supplied, clock, full=full, allowed=allowed or NodeOptions())


def _bring_up(
    workspace: Workspace, planned: Planned, supplied: Supplied, clock: StageClock, *, full: bool, allowed: NodeOptions
) -> UpResult:
    machines = _ready_machines(workspace, planned, clock, allowed)
    files = {"certificate": supplied.files, "firm_policy": supplied.policy}
    plan, given = machines.plan, machines.given.model_copy(update=files)
    machines = machines._replace(given=given)
    with clock.stage("inventory"):
        keep_site_key(workspace, supplied)
        secrets = prepare_inventory(workspace, plan, given)
        write_credentials(workspace, plan, secrets)
    with clock.stage("run"):
        standing = None if full else find_unchanged(workspace, plan)
        try:
            changed = _run_if_needed(workspace, plan, clock, standing)
        except ErrorGroup as error:
            if machines.ready and machines.former:
                raise _return_to_driver(workspace, machines, machines.ready, error, clock) from error
            raise _explain_giving_way(error, workspace, plan, secrets, clock) from error
    with clock.stage("verify"):
        verified = verify_stack(workspace, plan, secrets, clock)
    if standing and not verified.passed:
        # What the comparison does not see, verification does: then the playbooks have the last word.
        clock.note("a check failed, so the playbooks run after all")
        with clock.stage("run again"):
            standing, changed = None, _run_if_needed(workspace, plan, clock, None)
        with clock.stage("verify again"):
            verified = verify_stack(workspace, plan, secrets, clock)
    _settle_driver(workspace, machines, verified, clock)
    if verified.passed:
        record_releases(workspace, plan)
    return UpResult(
        plan=plan,
        changed=changed + machines.changed,
        unchanged_since=standing.run_id if standing else None,
        verified=verified,
        stages=tuple(clock.times),
        credentials=str(workspace.credentials_file),
    )


def _explain_giving_way(
    error: ErrorGroup, workspace: Workspace, plan: Plan, secrets: dict[str, str], clock: StageClock
) -> ErrorGroup:
    """Where a release gave way to the one before, the stack is measured as it is, and the receipt says so."""
    if not any(GAVE_WAY in one.what for one in error.errors):
        return error
    clock.note("a release gave way to the one before it: the stack is measured as it stands")
    verified = verify_stack(workspace, plan, secrets, clock)
    told = RunError(
        f"the planned releases do not all run; the receipt's verdict is: {verified.signed.receipt.verdict}",
        where=str(verified.receipt_file),
        hint="provision rollback SERVICE holds it on the release that answers, until there is a better one",
    )
    return ErrorGroup([*error.errors, told])


class _Machines(NamedTuple):
    """Machines that answer. On a Proxmox node the plan is bound to its cards; `former` is a driver that gave way."""

    plan: Plan
    given: InventoryInput
    changed: int
    ready: ReadyNode | None
    former: str | None


def _ready_machines(workspace: Workspace, planned: Planned, clock: StageClock, allowed: NodeOptions) -> _Machines:
    plan, ready, former, changed, host = planned.plan, None, None, 0, None
    if is_plain_host(plan):
        with clock.stage("preflight"):
            host = prepare_host(plan, planned.loaded.profile, clock)
            plan = host.plan
    if plan.proxmox:
        with clock.stage("preflight"):
            ready = prepare_node(workspace, plan, planned.loaded.profile, clock, release_locks=allowed.release_locks)
            plan = ready.plan
    save_plan(workspace, plan)
    with clock.stage("artifacts"):
        given = gather_artifacts(plan, clock).model_copy(update={"pynvml": find_pynvml()})
    if host:
        with clock.stage("host"):
            host, changed = bring_host(workspace, host, clock, may_reboot=allowed.may_reboot)
            plan = host.plan
            save_plan(workspace, plan)
    if ready:
        with clock.stage("node"):
            brought = bring_node(workspace, ready, clock, may_reboot=allowed.may_reboot)
            ready, changed, former = brought.ready, brought.changed, brought.former
            plan = ready.plan
            save_plan(workspace, plan)
            given = given.model_copy(update={"driver": find_driver(plan, may_reboot=False)})
    with clock.stage("machines"):
        if ready:
            changed += _ensure_guests(workspace, ready, former, clock, allowed)
        connections = guest_connections(workspace, plan) if ready else ensure_machines(plan, clock)
        found = {"connections": connections, "controllers": find_controllers(plan, connections)}
    return _Machines(plan, given.model_copy(update=found), changed, ready, former)


def _ensure_guests(
    workspace: Workspace, ready: ReadyNode, former: str | None, clock: StageClock, allowed: NodeOptions
) -> int:
    """Guests that do not come up with another driver get the former one back. Raises what `ensure_guests` raises."""
    try:
        return ensure_guests(workspace, ready, clock, remove_stray=allowed.remove_guests)
    except (ProvisionError, ErrorGroup) as error:
        if former is None or isinstance(error, RunInterruptedError):
            raise
        raise put_back(workspace, ready, former, clock, why=first_line(error)).error from error


def _return_to_driver(
    workspace: Workspace, machines: _Machines, ready: ReadyNode, failed: ErrorGroup, clock: StageClock
) -> ErrorGroup:
    """A run that failed with another driver: the former one on node and guests, and a receipt of what stands then."""
    former = machines.former or ""
    back = put_back(workspace, ready, former, clock, why=first_line(failed))
    if back.driver is None:
        return ErrorGroup([back.error, *failed.errors])
    given = machines.given.model_copy(update={"driver": back.driver})
    secrets = prepare_inventory(workspace, machines.plan, given)
    try:
        converge(workspace, machines.plan, clock.report)
    except ErrorGroup as again:
        # Then it was not the driver alone; what stands is measured all the same.
        failed = again
    verified = verify_stack(workspace, machines.plan, secrets, clock)
    told = RunError(
        f"with driver {former} the receipt's verdict is: {verified.signed.receipt.verdict}",
        where=str(verified.receipt_file),
        hint="look there which checks failed, if any",
    )
    return ErrorGroup([back.error, *failed.errors, told])


def _settle_driver(workspace: Workspace, machines: _Machines, verified: Verified, clock: StageClock) -> None:
    """A driver is kept once a whole run was verified with it. Raises RunError where the former one was put back."""
    if machines.ready is None:
        return
    if verified.passed:
        record_driver(workspace, machines.ready)
    elif machines.former:
        why = f"a check failed, see {verified.receipt_file}"
        back = put_back(workspace, machines.ready, machines.former, clock, why=why)
        if back.driver:
            prepare_inventory(workspace, machines.plan, machines.given.model_copy(update={"driver": back.driver}))
            converge(workspace, machines.plan, clock.report)
        raise back.error


def _run_if_needed(workspace: Workspace, plan: Plan, clock: StageClock, standing: Converged | None) -> int:
    """Run the playbooks unless nothing changed since `standing`; the number of tasks that changed something."""
    if standing:
        clock.note(f"inputs and machines are as run {standing.run_id} left them: the playbooks need not run")
        return 0
    forget(workspace)
    outcome = converge(workspace, plan, clock.report)
    remember(workspace, plan, outcome.run_id)
    return outcome.changed

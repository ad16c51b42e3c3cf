"""Write the inventory and run the playbooks until the machines are what the plan says."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from provision.errors import ErrorGroup, ProvisionError, RunError, UnreachableError
from provision.inventory import build_inventory, render_inventory, required_secrets, write_inventory
from provision.inventory.secrets import POLICY_KEY
from provision.lab.mirror import serve_mirror
from provision.models.events import HostResult, RunOutcome
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan
from provision.pipeline.artifacts import MIRROR_PORT
from provision.pipeline.firm_policy import sign_policy
from provision.pipeline.options import Report
from provision.pipeline.policy_version import number_policy
from provision.places import find_cache
from provision.runner.execute import Playbook, run_playbook
from provision.runner.secrets import ensure_secrets
from provision.runner.workspace import Workspace


def prepare_inventory(workspace: Workspace, plan: Plan, given: InventoryInput) -> dict[str, str]:
    """Write the inventory and make missing secrets; the secrets, which stay in memory and in the vault."""
    required = required_secrets(plan)
    secrets = ensure_secrets(workspace, required)
    inventory = number_policy(build_inventory(plan, given), workspace.inventory)
    if POLICY_KEY in required:
        inventory = sign_policy(inventory, secrets[POLICY_KEY])
    write_inventory(render_inventory(inventory), workspace.inventory)
    return secrets


def converge(workspace: Workspace, plan: Plan, report: Report, *, stock: bool = False) -> RunOutcome:
    """Run site.yml. Raises RunError or UnreachableError naming machine, task and reason."""
    with mirror_of(plan):
        outcome = run_playbook(workspace, Playbook(name="site", stock=stock), report)
    require_success(outcome)
    return outcome


def require_success(outcome: RunOutcome) -> None:
    """Raises ErrorGroup with one error per failed machine."""
    if outcome.status != "successful":
        raise ErrorGroup([_explain(failure, outcome) for failure in outcome.failures] or [_unexplained(outcome)])


def find_pynvml() -> str:
    """The locked nvidia-ml-py module, which the probe's role copies to the machines."""
    found = importlib.util.find_spec("pynvml")
    return found.origin if found and found.origin else ""


@contextmanager
def mirror_of(plan: Plan) -> Iterator[None]:
    """The lab's machines fetch from here, for the time of a run; live ones from upstream."""
    if plan.target != "lab":
        yield
        return
    with serve_mirror(find_cache(), str(plan.gateway), MIRROR_PORT):
        yield


def _explain(failure: HostResult, outcome: RunOutcome) -> ProvisionError:
    where = f"{failure.host}, task '{failure.task}'" + (f" of role {failure.role}" if failure.role else "")
    if failure.status == "unreachable":
        return UnreachableError(
            f"{failure.host} cannot be reached: {failure.message}", where=where, hint="is it running? provision status"
        )
    return RunError(
        failure.message or "the task failed",
        where=where,
        hint=f"{failure.hint + '; ' if failure.hint else ''}log: {outcome.log}",
    )


def _unexplained(outcome: RunOutcome) -> RunError:
    return RunError("the run failed without naming a task", where=outcome.log, hint="read the end of that log")

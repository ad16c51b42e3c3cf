"""The node's own roles: run where their inputs or what they put there changed since they last ran through."""

from __future__ import annotations

import hashlib

from provision.catalog import load_catalog
from provision.errors import SetupError
from provision.inventory import render_inventory, write_inventory
from provision.inventory.node_vars import DriverInput, build_node_inventory, published_driver
from provision.lab.pve.driver import lab_installer
from provision.lab.pve.node import TREE
from provision.models.catalog import Artifact
from provision.models.inventory import ModelFile
from provision.models.node import NodeAccess, NodeObservation
from provision.models.plan import Plan
from provision.pipeline.artifacts import mirror_url
from provision.pipeline.converge import mirror_of, require_success
from provision.pipeline.node import read_node
from provision.pipeline.stages import StageClock
from provision.pipeline.unchanged import digest_content
from provision.runner.execute import Playbook, run_playbook
from provision.runner.workspace import Workspace, write_private

DRIVER = "nvidia-driver"


def converge_node(
    workspace: Workspace,
    plan: Plan,
    access: NodeAccess,
    node: NodeObservation,
    clock: StageClock,
    *,
    may_reboot: bool = False,
) -> int:
    """How many tasks changed something. Raises RunError or UnreachableError naming task and reason."""
    driver = _find_driver(plan, may_reboot=may_reboot)
    write_inventory(render_inventory(build_node_inventory(plan, access, node, driver)), workspace.node_inventory)
    if _standing(workspace) == _digest(workspace, node):
        clock.note("the node is as the last run left it: its playbook need not run")
        return 0
    workspace.node_converged_file.unlink(missing_ok=True)
    with mirror_of(plan):
        outcome = run_playbook(workspace, Playbook(name="host", inventory=workspace.node_inventory), clock.report)
    require_success(outcome)
    write_private(workspace.node_converged_file, _digest(workspace, read_node(access.login)) + "\n")
    return outcome.changed


def driver_artifact() -> Artifact:
    """The pinned driver. Raises SetupError where nobody has pinned it yet."""
    artifact = load_catalog().artifacts[DRIVER]
    if artifact.sha256 is None:
        raise SetupError(
            f"the NVIDIA driver {artifact.version} has no checksum yet",
            where="provision/catalog/data/artifacts.yml",
            hint="provision lock --update fills it from what upstream publishes",
        )
    return artifact


def _find_driver(plan: Plan, *, may_reboot: bool) -> DriverInput | None:
    if not plan.cards:
        return None
    artifact = driver_artifact()
    if plan.target == "live":
        return published_driver(artifact, may_reboot=may_reboot)
    sha256 = lab_installer().name
    name = f"NVIDIA-Linux-x86_64-{artifact.version}-stand-in.run"
    installer = ModelFile(file=name, url=f"{mirror_url(plan.gateway)}/sha256/{sha256}", sha256=sha256, size_mib=1)
    return DriverInput(version=artifact.version, installer=installer, may_reboot=may_reboot, proc=f"{TREE}/proc")


def _standing(workspace: Workspace) -> str:
    return workspace.node_converged_file.read_text().strip() if workspace.node_converged_file.exists() else ""


def _digest(workspace: Workspace, node: NodeObservation) -> str:
    """sha256 (hex) over what the roles are given and over what of theirs the node shows."""
    shown = node.model_dump_json(include={"installed", "driver", "held", "device_nodes", "pinned_kernel"})
    return hashlib.sha256(f"{digest_content(workspace.node_inventory)} {shown}".encode()).hexdigest()

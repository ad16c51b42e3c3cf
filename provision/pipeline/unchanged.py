"""Is there anything to do? What the last complete run was given and what it left, compared with now.

A second `up` whose inputs are the same and whose machines are as that run left them need not run the playbooks to find
out that nothing changes. Both sides are compared in full: every byte that decides what the playbooks do, and on the
machines what `verify/state_script.py` reads. In doubt, the playbooks run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from provision.errors import ProvisionError
from provision.models.base import Frozen
from provision.models.plan import Plan
from provision.pipeline.state import digest_of, read_machines
from provision.places import find_content
from provision.runner.workspace import Workspace, write_private

_CONTENT = ("playbooks", "roles", "plugins", "ansible.cfg", "uv.lock")
"""What decides, with the inventory and the vault, what a run does."""


class Converged(Frozen):
    """`inputs` and `state` are sha256 (hex); `run_id` names the complete run that left them."""

    run_id: str
    inputs: str
    state: str


def find_unchanged(workspace: Workspace, plan: Plan) -> Converged | None:
    """The run since which neither its inputs nor the machines changed; None where the playbooks must run."""
    standing = _read(workspace)
    if standing is None or standing.inputs != digest_inputs(workspace):
        return None
    try:
        return standing if standing.state == digest_of(read_machines(plan, live=True)) else None
    except ProvisionError:
        return None  # the playbooks say better what is wrong with the machine


def remember(workspace: Workspace, plan: Plan, run_id: str) -> None:
    """Note what a complete run was given and what it left. A state that cannot be read is not noted: the stack stands,
    and the next run is a full one."""
    try:
        state = digest_of(read_machines(plan, live=True))
    except ProvisionError:
        return
    converged = Converged(run_id=run_id, inputs=digest_inputs(workspace), state=state)
    write_private(workspace.converged_file, converged.model_dump_json() + "\n")


def forget(workspace: Workspace) -> None:
    """A run begins: until it is complete, nothing is known."""
    workspace.converged_file.unlink(missing_ok=True)


def digest_inputs(workspace: Workspace) -> str:
    """sha256 (hex) over names and bytes of the inventory, the encrypted vault, playbooks, roles, plugins and locks."""
    return digest_content(workspace.secrets_file, workspace.inventory)


def digest_content(*own: Path) -> str:
    """sha256 (hex) over names and bytes of files and folders of a client and of all that the playbooks are made of."""
    digest = hashlib.sha256()
    for name, path in _list_files(*own, *(find_content(name) for name in _CONTENT)):
        for part in (name.encode(), path.read_bytes()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _list_files(*roots: Path) -> Iterator[tuple[str, Path]]:
    for root in roots:
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield str(path.relative_to(root.parent)), path


def _read(workspace: Workspace) -> Converged | None:
    try:
        return Converged.model_validate_json(workspace.converged_file.read_bytes())
    except (OSError, ValidationError):
        return None

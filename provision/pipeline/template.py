"""The container template on the node: there already, or uploaded with its checksum."""

from __future__ import annotations

from pathlib import Path

from provision.errors import SetupError
from provision.lab.pve.template import lab_template
from provision.pipeline.containers import Node
from provision.pipeline.stages import StageClock


def ensure_template(node: Node, clock: StageClock) -> str:
    """Its volume id ('local:vztmpl/NAME'). Raises SetupError where it is neither there nor to be had."""
    storage = node.where.templates
    there = node.api.templates(storage)
    found = [volume for volume in there if f"/{node.where.template}_" in volume]
    if found:
        return found[-1]
    file, sha512 = _find_file(node)
    clock.note(f"uploading the template {file.name} to {storage}")
    node.api.upload_template(storage, file, "sha512", sha512)
    return f"{storage}:vztmpl/{file.name}"


def _find_file(node: Node) -> tuple[Path, str]:
    if node.plan.target == "lab":
        return lab_template()
    raise SetupError(
        f"there is no template {node.where.template} on the node",
        where=f"storage {node.where.templates} of node {node.access.node}",
        hint=f"there: pveam update && pveam download {node.where.templates} "
        f"$(pveam available --section system | grep -o '{node.where.template}_[^ ]*' | tail -1)",
    )

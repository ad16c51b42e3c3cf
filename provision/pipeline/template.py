"""The container template on the node: there already, or uploaded with its checksum."""

from __future__ import annotations

from provision.pipeline.node_files import template_file, wanted_files
from provision.pipeline.proxmox_node import Node
from provision.pipeline.stages import StageClock


def ensure_template(node: Node, clock: StageClock) -> str:
    """Its volume id ('local:vztmpl/NAME'). Raises what fetching it and Proxmox raise.

    That one of the pinned name has the pinned checksum was the preflight's to see.
    """
    volume = f"{node.where.templates}:vztmpl/{wanted_files(node.plan).template}"
    if volume not in node.api.templates(node.where.templates):
        file, sha512 = template_file(node.plan, clock)
        clock.note(f"uploading the template {file.name} to {node.where.templates}")
        node.api.upload_template(node.where.templates, file, "sha512", sha512)
    return volume

"""What new guests are made from: template and VM image, on the node already or uploaded with their checksum."""

from __future__ import annotations

from collections.abc import Sequence

from provision.models.guests import Guest, GuestKind
from provision.pipeline.node_files import image_file, template_file, wanted_files
from provision.pipeline.proxmox_node import Node
from provision.pipeline.stages import StageClock


def ensure_sources(node: Node, wanted: Sequence[Guest], clock: StageClock) -> dict[GuestKind, str]:
    """Volume ids ('local:vztmpl/NAME', 'local:import/NAME') of what the guests' kinds need.

    That one of the pinned name has the pinned checksum was the preflight's to see. Raises what fetching and Proxmox
    raise.
    """
    kinds: set[GuestKind] = {guest.kind for guest in wanted}
    sources: dict[GuestKind, str] = {}
    if "lxc" in kinds:
        sources["lxc"] = _ensure_template(node, clock)
    if "qemu" in kinds:
        sources["qemu"] = _ensure_image(node, clock)
    return sources


def _ensure_template(node: Node, clock: StageClock) -> str:
    volume = f"{node.where.templates}:vztmpl/{wanted_files(node.plan).template}"
    if volume not in node.api.volumes(node.where.templates, "vztmpl"):
        file, sha512 = template_file(node.plan, clock)
        clock.note(f"uploading the template {file.name} to {node.where.templates}")
        node.api.upload(node.where.templates, "vztmpl", file, "sha512", sha512)
    return volume


def _ensure_image(node: Node, clock: StageClock) -> str:
    volume = f"{node.where.templates}:import/{wanted_files(node.plan).image}"
    if volume not in node.api.volumes(node.where.templates, "import"):
        file, sha512 = image_file(node.plan, clock)
        clock.note(f"uploading the image {file.name} to {node.where.templates}")
        node.api.upload(node.where.templates, "import", file, "sha512", sha512)
    return volume

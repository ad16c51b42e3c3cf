"""The pinned files that a node gets: NVIDIA's installer and the container template. In the lab, their stand-ins."""

from __future__ import annotations

from pathlib import Path

from provision.catalog.node_artifacts import require_resolved
from provision.inventory.node_vars import published_driver
from provision.lab.kernel import TREE
from provision.lab.pve.driver import lab_installer
from provision.lab.pve.template import lab_image, lab_template
from provision.lab.simgpu.configuration import MARK
from provision.lab.simgpu.install import MODULE_VERSION
from provision.models.artifact import NodeArtifact
from provision.models.inventory import DriverInput, ModelFile
from provision.models.node import WantedFiles
from provision.models.plan import Plan
from provision.pipeline.artifacts import mirror_url
from provision.pipeline.fetching import fetch_file, hash_file
from provision.pipeline.lock import list_locked
from provision.pipeline.service_files import locate
from provision.pipeline.stages import StageClock
from provision.places import find_cache

DRIVER = "nvidia-driver"
TEMPLATE = "debian-12-standard"
IMAGE = "debian-12-genericcloud"


def wanted_files(plan: Plan) -> WantedFiles:
    """What the preflight holds the node against. Raises SetupError for a lock that is refused."""
    driver = pinned(DRIVER).version if plan.cards else None
    if plan.proxmox is None:
        return WantedFiles(driver=driver, template="", template_sha512="")
    template, template_sum = _named(plan, TEMPLATE)
    if not any(machine.kind == "vm" for machine in plan.machines):
        return WantedFiles(driver=driver, template=template, template_sha512=template_sum)
    image, image_sum = _named(plan, IMAGE)
    return WantedFiles(
        driver=driver, template=template, template_sha512=template_sum, image=image, image_sha512=image_sum
    )


def _named(plan: Plan, name: str) -> tuple[str, str]:
    """File name and sha512 (hex)."""
    if plan.target == "lab":
        file, sha512 = {TEMPLATE: lab_template, IMAGE: lab_image}[name]()
        return file.name, sha512
    found = pinned(name)
    return found.file, found.checksum.hex or ""


def pinned(name: str) -> NodeArtifact:
    """Raises SetupError where nobody has pinned the file."""
    (found,) = list_locked(name)
    require_resolved(found)
    return found


def find_driver(plan: Plan, *, may_reboot: bool) -> DriverInput | None:
    """The driver as the node fetches it; None without cards."""
    if not plan.cards:
        return None
    wanted = pinned(DRIVER)
    if plan.target == "live":
        driver = published_driver(wanted, may_reboot=may_reboot)
        installer = driver.installer.model_copy(update={"url": locate(plan, wanted)})
        return driver.model_copy(update={"installer": installer})
    sha256 = lab_installer(wanted.version).name
    name = wanted.file.removesuffix(".run") + "-stand-in.run"
    installer = ModelFile(file=name, url=f"{mirror_url(plan.gateway)}/sha256/{sha256}", sha256=sha256, size_mib=1)
    return DriverInput(
        version=wanted.version,
        installer=installer,
        may_reboot=may_reboot,
        proc=f"{TREE}/proc",
        shown_as=f"{wanted.version}{MARK}",
        guest_file=f"/{MODULE_VERSION}",
    )


def template_file(plan: Plan, clock: StageClock) -> tuple[Path, str]:
    """The container template on this machine, and its sha512 (hex); fetched where it is not in the cache.

    Raises UnreachableError where upstream is not, SetupError where it serves another file.
    """
    return lab_template() if plan.target == "lab" else _cached(pinned(TEMPLATE), clock)


def image_file(plan: Plan, clock: StageClock) -> tuple[Path, str]:
    """The VM image likewise."""
    return lab_image() if plan.target == "lab" else _cached(pinned(IMAGE), clock)


def _cached(wanted: NodeArtifact, clock: StageClock) -> tuple[Path, str]:
    path = find_cache() / "templates" / wanted.file
    if not path.exists() or hash_file(path, wanted.checksum.algorithm) != wanted.checksum.hex:
        clock.note(f"fetching {wanted.file}")
        fetch_file(wanted.url, wanted.checksum, path, clock.note)
    return path, wanted.checksum.hex or ""

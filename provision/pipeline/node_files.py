"""The pinned files that a node gets: NVIDIA's installer and the container template. In the lab, their stand-ins."""

from __future__ import annotations

import hashlib
from pathlib import Path

from provision.catalog.node_artifacts import require_resolved
from provision.errors import SetupError
from provision.inventory.node_vars import published_driver
from provision.lab.pve.driver import lab_installer
from provision.lab.pve.facts import TREE
from provision.lab.pve.template import lab_template
from provision.lab.simgpu.configuration import MARK
from provision.lab.simgpu.install import MODULE_VERSION
from provision.models.artifact import NodeArtifact
from provision.models.inventory import DriverInput, ModelFile
from provision.models.node import WantedFiles
from provision.models.plan import Plan
from provision.pipeline.artifacts import mirror_url
from provision.pipeline.lock import list_locked, open_url
from provision.pipeline.stages import StageClock
from provision.places import find_cache

DRIVER = "nvidia-driver"
TEMPLATE = "debian-12-standard"
_BLOCK = 2**20


def wanted_files(plan: Plan) -> WantedFiles:
    """What the preflight holds the node against. Raises SetupError for a lock that is refused."""
    driver = pinned(DRIVER).version if plan.cards else None
    if plan.target == "lab":
        file, sha512 = lab_template()
        return WantedFiles(driver=driver, template=file.name, template_sha512=sha512)
    template = pinned(TEMPLATE)
    return WantedFiles(driver=driver, template=template.file, template_sha512=template.checksum.hex or "")


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
        return published_driver(wanted, may_reboot=may_reboot)
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
    """The template on this machine, and its sha512 (hex); fetched where it is not in the cache.

    Raises UnreachableError where upstream is not, SetupError where it serves another file.
    """
    if plan.target == "lab":
        return lab_template()
    wanted = pinned(TEMPLATE)
    sha512 = wanted.checksum.hex or ""
    path = find_cache() / "templates" / wanted.file
    if not path.exists() or _sha512(path) != sha512:
        clock.note(f"fetching {wanted.file}")
        _fetch(wanted, path, sha512)
    return path, sha512


def _fetch(wanted: NodeArtifact, path: Path, sha512: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with open_url(wanted.url) as response, fresh.open("wb") as out:
        for block in response.iter_raw(_BLOCK):
            out.write(block)
    if _sha512(fresh) != sha512:
        fresh.unlink()
        raise SetupError(
            f"{wanted.file} is not what is pinned",
            where=wanted.url,
            hint="try again later or over another network; provision lock --update compares with what upstream says",
        )
    fresh.rename(path)


def _sha512(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha512").hexdigest()

"""What a Proxmox node or a plain host said of itself: the JSON document that `provision/preflight/script` prints.

A fact that could not be read is None, and `unread` says why; nothing is filled in. Memory and storage in MiB. The
checks of the preflight read this and the plan, and nothing else.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import ConfigDict

from provision.models.base import Frozen


class Observed(Frozen):
    """Types are not converted: a number in quotes is an error of the script, not a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class NodeKernel(Observed):
    """A kernel that can be booted. `headers`: /lib/modules/<release>/build leads somewhere, as DKMS needs it."""

    release: str
    headers: bool


class NodeCard(Observed):
    """An NVIDIA display device. `driver`: the kernel driver bound to it, None for none.

    `model`, `uuid` and `minor` are the NVIDIA driver's own words; None where it is not loaded.
    """

    address: str
    device: str
    driver: str | None
    model: str | None
    uuid: str | None
    minor: int | None = None
    """N of its /dev/nvidiaN."""


class DkmsModule(Observed):
    """A line of `dkms status`; `kernel` is None for a module that was added and built for none."""

    name: str
    version: str
    kernel: str | None
    state: str


class NodeStorage(Observed):
    """A storage as `pvesm status` lists it. `rootdir`: for disks of containers, `vztmpl`: for their templates."""

    name: str
    kind: str
    active: bool
    available_mib: int
    rootdir: bool
    vztmpl: bool


class NodeGuest(Observed):
    """A guest of the cluster. `addresses` from its configuration, without a prefix length; none for DHCP.

    `passed_through` are the `hostpci` values of a VM.
    """

    id: int
    kind: Literal["lxc", "qemu"]
    name: str
    node: str
    status: str
    lock: str | None
    memory_mib: int
    addresses: tuple[str, ...]
    tags: tuple[str, ...] = ()
    pool: str | None = None
    passed_through: tuple[str, ...]


class NodeTask(Observed):
    """A task that runs on the node now; `id` is the guest's number as text, empty where it concerns none."""

    kind: str
    id: str
    user: str


class AptSource(Observed):
    """An enabled entry of the package sources."""

    file: str
    uri: str
    components: tuple[str, ...]


class CardHolder(Observed):
    """A process that has a /dev/nvidia* node open. `guest`: the number of the guest it runs in."""

    pid: int
    name: str
    guest: int | None
    unit: str | None = None
    """The systemd unit it belongs to, outside of guests."""


class HostListener(Observed):
    """A TCP port that is listened on, and by whom; `process` and `unit` are None where that is not told."""

    port: int
    address: str
    process: str | None
    unit: str | None


class HostDisk(Observed):
    """The file system that /var/lib lies on, in MiB."""

    total_mib: int
    free_mib: int


class WholeDisk(Observed):
    """A disk that can be written. `alias`: a name below /dev/disk/by-id; `holds`: partitions, file system, mounts."""

    path: str
    alias: str | None
    size_mib: int
    holds: tuple[str, ...]
    label: str | None
    """Of the file system on it."""


class UnattendedUpgrades(Observed):
    enabled: bool
    blacklist: tuple[str, ...]
    """The entries of `Unattended-Upgrade::Package-Blacklist`, as they stand there."""


class NodeObservation(Observed):
    """The whole document."""

    format: Literal[1]
    node: str
    uid: int
    """Of the login; 0 is root."""
    kernel: str
    unread: dict[str, str]
    """Name of a fact below (or 'guest_configs') → why it could not be read."""
    pve: str | None
    """Version of pve-manager ('9.1.1')."""
    kernels: tuple[NodeKernel, ...] | None
    pinned_kernel: str | None
    """What proxmox-boot-tool boots whatever else is installed; None: the newest one boots."""
    header_packages: tuple[str, ...] | None
    available_headers: tuple[str, ...] | None
    secure_boot: bool | None
    signing_key: Literal["enrolled", "not enrolled", "absent"] | None
    """DKMS's own key. mokutil says 'enrolled' of a key whose enrolment is only asked for, too."""
    modules: tuple[str, ...] | None
    """Loaded kernel modules of nouveau, nvidia and vfio."""
    blacklisted: tuple[str, ...] | None
    cards: tuple[NodeCard, ...] | None
    device_nodes: tuple[str, ...] | None
    driver: str | None
    """Full version of the loaded NVIDIA kernel module; None: none is loaded."""
    dkms: tuple[DkmsModule, ...] | None
    memory_mib: int | None
    storages: tuple[NodeStorage, ...] | None
    templates: tuple[str, ...] | None
    guests: tuple[NodeGuest, ...] | None
    tasks: tuple[NodeTask, ...] | None
    addresses: tuple[str, ...] | None
    """IPv4 addresses of the node itself."""
    clock_synchronised: bool | None
    repositories: tuple[AptSource, ...] | None
    subscription: str | None
    """'active', 'notfound', …: what Proxmox calls it."""
    holders: tuple[CardHolder, ...] | None
    unattended: UnattendedUpgrades | None
    held: tuple[str, ...] | None
    template_sums: dict[str, str] | None = None
    """sha512 (hex) of the container templates in the node's own folder, by file name."""
    image_storages: dict[str, tuple[str, ...]] | None = None
    """Names of active storages that take disks of VMs ('images') and images to make them from ('import')."""
    image_sums: dict[str, str] | None = None
    """sha512 (hex) of such images in the node's own folder, by file name."""
    installed: dict[str, str] | None = None
    """sha256 (hex) of the files that provision put there, by path."""
    distribution: str | None = None
    """'ID VERSION_ID' of /etc/os-release: 'debian 12'."""
    driver_noted: str | None = None
    """The driver that provision installed ('580.178.04', or with ' not finished'); None: it never installed one."""
    driver_packages: tuple[str, ...] | None = None
    """Installed packages of the distribution that bring an NVIDIA kernel module."""
    disk: HostDisk | None = None
    disks: tuple[WholeDisk, ...] | None = None
    listeners: tuple[HostListener, ...] | None = None
    stands: bool | None = None
    """Whether a stack of provision is on this machine already."""

    @property
    def foreign_driver(self) -> bool:
        """A driver is loaded that provision did not install: it is the owner's, and is left as it is."""
        return self.driver is not None and self.driver_noted is None

    @property
    def distribution_headers(self) -> tuple[str, str]:
        """Header packages of a plain host: for the running kernel, and the one that follows kernel updates.

        '6.1.0-28-cloud-amd64' → linux-headers-cloud-amd64, '6.12.48+deb13-amd64' → linux-headers-amd64,
        '6.8.0-48-generic' → linux-headers-generic. Raises ValueError for a kernel that is not the distribution's.
        """
        flavour = re.fullmatch(r"\d+(?:\.\d+)+(?:\+[a-z]+\d*)?(?:-\d+)?-([a-z][a-z0-9-]*)", self.kernel)
        if flavour is None:
            raise ValueError(f"'{self.kernel}' is no kernel of Debian or Ubuntu")
        return f"linux-headers-{self.kernel}", f"linux-headers-{flavour[1]}"


class NodeLogin(Frozen):
    """How the node itself is reached: root by ssh. Empty key and known_hosts: the administrator's own."""

    machine: str
    address: str
    port: int
    user: str
    private_key: str = ""
    known_hosts: str = ""


class NodeAccess(Frozen):
    """How a Proxmox node is reached: as root by ssh, and its API, which shows a certificate of `ca_file`.

    Of a plain host, which has no such API, `api_host` is its address and `ca_file` empty.
    """

    login: NodeLogin
    node: str
    """The node's name within its cluster."""
    api_host: str
    ca_file: str


class WantedFiles(Frozen):
    """What `up` would bring to a node: the driver's full version, file name and sha512 (hex) of the template, and those
    of the image for VMs where the plan has one. A plain host gets neither: all are empty."""

    driver: str | None
    template: str
    template_sha512: str
    image: str | None = None
    image_sha512: str = ""


class NodeFinding(Frozen):
    """One thing that a person should mend or know. An error blocks.

    `concerns`: the node must be changed, or the plan does not go with this node.
    """

    check: str
    severity: Literal["error", "warning"]
    concerns: Literal["node", "plan"]
    what: str
    where: str
    hint: str


class NodeReport(Frozen):
    """What `provision doctor --profile` says."""

    profile: str
    client: str
    node: str
    pve: str | None
    kernel: str
    driver: str | None
    system: str | None = None
    """Of a plain host ('debian 12'); None for a Proxmox node."""
    findings: tuple[NodeFinding, ...]
    exit_code: int


def parse_node(text: str) -> NodeObservation:
    """The script's output. Raises pydantic.ValidationError for anything else."""
    return NodeObservation.model_validate_json(text)

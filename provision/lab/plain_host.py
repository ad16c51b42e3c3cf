"""A guest that stands for a rented host: the programs and facts of a kernel with cards, which a guest has not.

As rented, it has no NVIDIA driver, or the one that its provider's image brings. Stand-ins are NVIDIA's programs, the
kernel's modules and the clock; ssh, systemd, addresses, listeners and packages are the guest's own.
"""

from __future__ import annotations

from pathlib import Path

from provision.lab.authorities import trust_environment, trust_files
from provision.lab.guest_files import environment_file, place
from provision.lab.kernel import TREE, load_driver, loaded_version, own_facts, write_kernel
from provision.lab.places import guest_home
from provision.models.lab import LabGuest

KERNEL = "6.1.0-28-amd64"
"""A kernel of Debian 12: this machine's own may be no distribution's."""
DEVICES = "opt/lab-devices"
"""Where the guest has the cards' device nodes, which it cannot make: the stand-in of nvidia-modprobe binds them."""
REAL = (
    *("dev", "usr", "var", "run", "opt/provision-probe"),
    *("etc/apt", "etc/modprobe.d", "etc/os-release", "etc/provision", "etc/systemd"),
)
"""What the preflight reads of the guest itself."""
_HEAD = "#!/bin/sh\n# Stand-in of the lab.\n"
_NVIDIA_MODPROBE = f"""[ -e {TREE}/proc/driver/nvidia/version ] || exit 1
case "$*" in
    -m) names=nvidia-modeset ;;
    "-u -c 0") names="nvidia-uvm nvidia-uvm-tools" ;;
    *)
        names=
        while [ $# -gt 0 ]; do
            [ "$1" = -c ] || exit 1
            [ "$2" = 255 ] && names="$names nvidiactl" || names="$names nvidia$2"
            shift 2
        done ;;
esac
for name in $names; do
    [ -c "/dev/$name" ] || [ ! -e "/{DEVICES}/$name" ] || {{
        : > "/dev/$name"
        mount --bind "/{DEVICES}/$name" "/dev/$name"
    }}
done
"""
_PROGRAMS = {
    "dkms": f"[ ! -e {TREE}/answers/dkms ] || tail -n +2 {TREE}/answers/dkms\n",
    "modprobe": "exit 0\n",
    "mokutil": f"tail -n +2 {TREE}/answers/mokutil 2>/dev/null || echo SecureBoot disabled\n",
    "nvidia-modprobe": _NVIDIA_MODPROBE,
    "nvidia-persistenced": "sleep infinity &\necho $! > /run/nvidia-persistenced/nvidia-persistenced.pid\n",
    "nvidia-smi": "exit 0\n",
    "timedatectl": "echo yes\n",
    "update-initramfs": "exit 0\n",
}
IMAGE_UNIT = "lab-image-driver.service"
_IMAGE_UNIT = """[Unit]
Description=Device nodes as the image's own driver makes them at boot (stand-in of the lab)

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'nvidia-modprobe -m; nvidia-modprobe -u -c 0; nvidia-modprobe @CARDS@-c 255'

[Install]
WantedBy=multi-user.target
"""


def write_plain_host(guest: LabGuest, rootfs: Path) -> None:
    """Make the unpacked root that of a host: as it is rented."""
    host = guest.plain_host
    if host is None:
        raise ValueError(f"guest {guest.name} stands for no host")
    for name, text in _PROGRAMS.items():
        place(rootfs, f"/usr/local/sbin/{name}", _HEAD + text, 0o755)
    trust = trust_environment() if trust_files(rootfs) else {}
    place(rootfs, "/etc/environment", environment_file({**trust, "PROVISION_NODE_ROOT": TREE}), 0o644)
    if host.image_driver and guest.gpus:
        cards = "".join(f"-c {card.index} " for card in guest.gpus)
        place(rootfs, f"/etc/systemd/system/{IMAGE_UNIT}", _IMAGE_UNIT.replace("@CARDS@", cards), 0o644)
        (rootfs / "etc/systemd/system/multi-user.target.wants" / IMAGE_UNIT).symlink_to(
            f"/etc/systemd/system/{IMAGE_UNIT}"
        )
    write_host_facts(tree_of(rootfs), guest, host.image_driver)


def write_host_facts(tree: Path, guest: LabGuest, driver: str | None) -> None:
    """What kernel, cards and driver say, written anew; `driver` is loaded."""
    write_kernel(tree, guest.gpus, KERNEL, REAL)
    (tree / "answers").mkdir(exist_ok=True)
    if driver and guest.gpus:
        load_driver(tree, driver)
    own_facts(tree)


def tree_of(rootfs: Path) -> Path:
    return rootfs / TREE.lstrip("/")


def host_driver(lab: str, guest: LabGuest) -> str | None:
    """Full version of the driver that is loaded on the host that this guest stands for."""
    return loaded_version(tree_of(guest_home(lab, guest.name) / "rootfs"))

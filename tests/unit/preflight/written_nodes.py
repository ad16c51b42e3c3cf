"""Two Proxmox nodes with two RTX 4090, written by hand: none could be recorded. Files, and what the programs answer.

The forms are those of published outputs: `pveversion -v`, `pvesm status` and `dkms status` as people post them,
`/cluster/resources` as its API schema says, `mokutil` as its source prints (test_key, sb_state).
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import NamedTuple

STAND_IN = Path(__file__).with_name("stand_ins") / "answer"
PROGRAMS = (
    *("pveversion", "pvesm", "pveam", "pvesh", "dkms", "mokutil", "timedatectl", "ip"),
    *("dpkg-query", "apt-cache", "apt-config", "apt-mark", "ss", "lsblk"),
)
DPKG = ("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n")
APT_CACHE = ("apt-cache", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "pkgnames")
LSBLK = (
    *("lsblk", "--json", "--bytes", "--paths", "--output"),
    "NAME,TYPE,SIZE,RO,FSTYPE,PTTYPE,LABEL,MOUNTPOINTS",
)
SS = ("ss", "-H", "-t", "-l", "-n", "-p")
STORAGE_HEAD = "Name             Type     Status     Total (KiB)      Used (KiB) Available (KiB)        %\n"
LOCAL = "local             dir     active        98497780         5105720        88342512    5.18%\n"
THIN = "local-lvm     lvmthin     active      1796344320               0      1796344320    0.00%\n"


class Release(NamedTuple):
    pve: str
    kernel: str
    driver: str
    headers: str
    suite: str


PVE_9 = Release("9.1.1", "6.17.2-1-pve", "595.71.05", "proxmox-default-headers", "trixie")
PVE_8 = Release("8.4.19", "6.8.12-15-pve", "550.163.01", "pve-headers", "bookworm")


class WrittenNode(NamedTuple):
    """`root` is the node's file tree, `programs` the folder of its stand-in programs."""

    release: Release
    root: Path
    programs: Path
    answers: Path

    def answer(self, argv: tuple[str, ...], text: str, code: int = 0) -> None:
        name = re.sub(r"[^A-Za-z0-9.-]", "_", " ".join(argv))
        (self.answers / name).write_text(text)
        (self.answers / f"{name}.code").write_text(str(code))

    def write(self, path: str, text: str) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def write_node(folder: Path, release: Release) -> WrittenNode:
    node = WrittenNode(release, folder / "root", folder / "bin", folder / "answers")
    for path in (node.programs, node.answers):
        path.mkdir(parents=True)
    for program in PROGRAMS:
        shutil.copy(STAND_IN, node.programs / program)
    _write_machine(node)
    _write_cards(node)
    _write_packages(node)
    _answer_machine(node)
    _answer_proxmox(node)
    return node


def _write_machine(node: WrittenNode) -> None:
    kernel = node.release.kernel
    node.write(f"/boot/vmlinuz-{kernel}", "")
    (node.root / f"lib/modules/{kernel}/build").mkdir(parents=True)
    node.write(
        "/proc/modules", "nvidia_uvm 4222976 2 - Live 0x0\nnvidia 14381056 42 nvidia_uvm, Live 0x0\next4 1 0 - Live\n"
    )
    node.write("/proc/cmdline", f"BOOT_IMAGE=/boot/vmlinuz-{kernel} root=/dev/mapper/pve-root ro quiet\n")
    debian = {"bookworm": 12, "trixie": 13}[node.release.suite]
    node.write("/etc/os-release", f'PRETTY_NAME="Debian"\nID=debian\nVERSION_ID="{debian}"\n')
    node.write("/proc/meminfo", "MemTotal:       131713448 kB\nMemFree:        120000000 kB\n")
    node.write("/etc/modprobe.d/blacklist-nouveau.conf", "# kept off\nblacklist nouveau\noptions nouveau modeset=0\n")


def _write_cards(node: WrittenNode) -> None:
    node.write(
        "/proc/driver/nvidia/version",
        f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {node.release.driver}  x\n",
    )
    for number, address in enumerate(("0000:01:00.0", "0000:41:00.0")):
        device = f"/sys/bus/pci/devices/{address}"
        for name, value in (("vendor", "0x10de"), ("device", "0x2684"), ("class", "0x030000")):
            node.write(f"{device}/{name}", value + "\n")
        (node.root / device.lstrip("/") / "driver").symlink_to("../../../../bus/pci/drivers/nvidia")
        node.write(
            f"/proc/driver/nvidia/gpus/{address}/information",
            f"Model: \t\t NVIDIA GeForce RTX 4090\nGPU UUID: \t GPU-0000000{number}-1111-2222-3333-444444444444\n",
        )
        node.write(f"/dev/nvidia{number}", "")
    for name, value in (("vendor", "0x8086"), ("device", "0x1533"), ("class", "0x020000")):
        node.write(f"/sys/bus/pci/devices/0000:02:00.0/{name}", value + "\n")
    for name in ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-caps/nvidia-cap1"):
        node.write(f"/dev/{name}", "")
    process = node.root / "proc/812"
    (process / "fd").mkdir(parents=True)
    (process / "fd/3").symlink_to("/dev/nvidiactl")
    node.write("/proc/812/comm", "nvidia-persiste\n")
    node.write("/proc/812/cgroup", "0::/system.slice/nvidia-persistenced.service\n")


def _write_packages(node: WrittenNode) -> None:
    suite = node.release.suite
    if suite == "bookworm":
        node.write("/etc/apt/sources.list", f"deb [arch=amd64] http://deb.debian.org/debian {suite} main contrib\n")
        node.write(
            "/etc/apt/sources.list.d/pve-enterprise.list",
            f"# deb https://enterprise.proxmox.com/debian/pve {suite} pve-enterprise\n",
        )
        node.write(
            "/etc/apt/sources.list.d/pve.list",
            f"deb http://download.proxmox.com/debian/pve {suite} pve-no-subscription\n",
        )
        return
    stanza = "Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {component}\nSigned-By: /usr/share/keyrings/x.gpg\n"
    paid = stanza.format(uri="https://enterprise.proxmox.com/debian/pve", suite=suite, component="pve-enterprise")
    free = stanza.format(uri="http://download.proxmox.com/debian/pve", suite=suite, component="pve-no-subscription")
    node.write("/etc/apt/sources.list.d/pve-enterprise.sources", paid + "Enabled: no\n")
    node.write("/etc/apt/sources.list.d/proxmox.sources", free)


def _answer_machine(node: WrittenNode) -> None:
    release = node.release
    node.answer(DPKG, f"bash installed\n{release.headers} installed\nproxmox-headers-{release.kernel} installed\n")
    node.answer((*APT_CACHE, "proxmox-headers-"), f"proxmox-headers-{release.kernel}\nproxmox-headers-7.0.2-6-pve\n")
    node.answer(("dkms", "status"), f"nvidia/{release.driver}, {release.kernel}, x86_64: installed\nzfs/2.3: added\n")
    node.answer(("timedatectl", "show", "--property=NTPSynchronized", "--value"), "yes\n")
    links = [{"ifname": "vmbr0", "addr_info": [{"family": "inet", "local": "192.0.2.10", "prefixlen": 24}]}]
    node.answer(("ip", "-json", "-4", "address", "show"), json.dumps(links))
    node.answer(("apt-mark", "showhold"), "")
    part = {"name": "/dev/sda1", "type": "part"}
    disk = {"name": "/dev/sda", "type": "disk", "size": 480_103_981_056, "ro": False, "fstype": None, "label": None}
    root = {**disk, "pttype": "gpt", "mountpoints": [None], "children": [part]}
    cd = {**disk, "name": "/dev/sr0", "type": "rom", "pttype": None, "mountpoints": [None]}
    node.answer(LSBLK, json.dumps({"blockdevices": [root, cd]}))
    node.answer(SS, 'LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=700,fd=3))\n')
    node.write("/proc/700/cgroup", "0::/system.slice/ssh.service\n")
    (node.root / "proc/700/fd").mkdir()


def _answer_proxmox(node: WrittenNode) -> None:
    pve = node.release.pve
    node.answer(
        ("pveversion", "-v"),
        f"proxmox-ve: {pve.rsplit('.', 1)[0]}.0 (running kernel: {node.release.kernel})\n"
        f"pve-manager: {pve} (running version: {pve}/42db4a6cf33dac83)\npve-container: 6.0.18\n",
    )
    node.answer(("pvesm", "status"), STORAGE_HEAD + LOCAL + THIN)
    node.answer(("pvesm", "status", "--content", "rootdir"), STORAGE_HEAD + THIN)
    node.answer(("pvesm", "status", "--content", "vztmpl"), STORAGE_HEAD + LOCAL)
    node.answer(("pvesm", "status", "--content", "images"), STORAGE_HEAD + THIN)
    node.answer(("pvesm", "status", "--content", "import"), STORAGE_HEAD + LOCAL)
    node.answer(
        ("pveam", "list", "local"),
        "NAME                          SIZE\nlocal:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst  120.29MB\n",
    )
    resources = [
        {
            "id": "lxc/100",
            "vmid": 100,
            "type": "lxc",
            "name": "dns",
            "node": "pve1",
            "status": "running",
            "maxmem": 2**30,
        },
        {
            "id": "qemu/900",
            "vmid": 900,
            "type": "qemu",
            "name": "win",
            "node": "pve1",
            "status": "stopped",
            "maxmem": 2**33,
        },
    ]
    json_format = ("--output-format", "json")
    node.answer(("pvesh", "get", "/cluster/resources", "--type", "vm", *json_format), json.dumps(resources))
    node.answer(("pvesh", "get", "/nodes/localhost/tasks", "--source", "active", *json_format), "[]")
    node.answer(("pvesh", "get", "/nodes/localhost/subscription", *json_format), '{"status": "notfound"}')
    node.write(
        "/etc/pve/nodes/pve1/lxc/100.conf",
        "#secret: 1\nhostname: dns\nnet0: name=eth0,bridge=vmbr0,gw=192.0.2.1,ip=192.0.2.53/24,type=veth\n"
        "\n[snap]\nlock: backup\nnet0: ip=10.42.0.11/24\n",
    )
    node.write("/etc/pve/nodes/pve1/qemu-server/900.conf", "name: win\ncipassword: $5$secret\nipconfig0: ip=dhcp\n")

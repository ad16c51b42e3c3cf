"""A healthy node gives no finding; broken in exactly one way, it gives exactly that one."""

from __future__ import annotations

from typing import Any

import pytest

from provision.errors import ExitCode
from provision.models.node import (
    AptSource,
    CardHolder,
    DkmsModule,
    NodeCard,
    NodeGuest,
    NodeKernel,
    NodeObservation,
    NodeStorage,
    NodeTask,
    UnattendedUpgrades,
    WantedFiles,
)
from provision.models.plan import Plan
from provision.preflight.checks import CHECKS
from provision.preflight.judge import exit_code, judge
from tests.unit.preflight.conftest import Findings, Observe
from tests.unit.preflight.written_nodes import WrittenNode

RUNNING = NodeKernel(release="6.17.2-1-pve", headers=True)
PAID = AptSource(
    file="/etc/apt/sources.list.d/pve-enterprise.sources",
    uri="https://enterprise.proxmox.com/debian/pve",
    components=("pve-enterprise",),
)
ROOM = 10**7


def card(address: str, driver: str | None = "nvidia", model: str | None = "NVIDIA GeForce RTX 4090") -> NodeCard:
    return NodeCard(address=address, device="10de:2684", driver=driver, model=model, uuid=None)


CARDS = (card("0000:01:00.0"), card("0000:41:00.0"))


def guest(number: int, name: str, *addresses: str, **changed: Any) -> NodeGuest:
    values = {"kind": "lxc", "node": "pve1", "status": "running", "lock": None, "memory_mib": 512, "passed_through": ()}
    return NodeGuest.model_validate({"id": number, "name": name, "addresses": addresses, **values, **changed})


def storage(
    name: str, *, active: bool = True, mib: int = ROOM, rootdir: bool = True, vztmpl: bool = True
) -> NodeStorage:
    return NodeStorage(name=name, kind="dir", active=active, available_mib=mib, rootdir=rootdir, vztmpl=vztmpl)


TAG = "provision-sme-2x4090"
OURS = guest(201, "engine", "10.42.0.11", tags=("provision", TAG))
BROKEN: dict[str, tuple[dict[str, Any], str, str, str, str]] = {
    # what is broken: facts, the check, severity, a part of the finding, a part of its hint
    "not root": ({"uid": 1000}, "login", "error", "not root", "platform.user=root"),
    "old Proxmox": ({"pve": "8.0.4"}, "proxmox", "error", "dev[n] came with 8.1", "pve8to9"),
    "Proxmox 8": ({"pve": "8.4.19"}, "proxmox", "warning", "no updates since 2026-08", "pve8to9"),
    "unknown Proxmox": ({"pve": "10.0.1"}, "proxmox", "warning", "not known", "newer provision"),
    "enterprise repository": (
        {"repositories": (PAID,)}, "repositories", "error", "no active subscription (notfound)", "Enabled: no",
    ),
    "no repository": ({"repositories": ()}, "repositories", "warning", "no package source of Proxmox", "pve-no-sub"),
    "no headers": (
        {"kernels": (NodeKernel(release="6.17.2-1-pve", headers=False),)},
        "kernel_headers", "error", "running kernel 6.17.2-1-pve", "apt-get install proxmox-headers-6.17.2-1-pve",
    ),
    "no headers for the next kernel": (
        {
            "kernels": (RUNNING, NodeKernel(release="6.17.13-2-pve", headers=False)),
            "dkms": (DkmsModule(name="nvidia", version="595.71.05", kernel="6.17.13-2-pve", state="installed"),),
        },
        "kernel_headers", "error", "6.17.13-2-pve, which boots next", "apt-get update",
    ),
    "headers stay behind": (
        {"header_packages": ("proxmox-headers-6.17.2-1-pve",)},
        "kernel_headers", "warning", "do not follow kernel updates", "proxmox-default-headers",
    ),
    "nouveau": ({"modules": ("nouveau", "nvidia")}, "nouveau", "error", "nouveau module is loaded", "update-initramfs"),
    "nouveau may come": ({"blacklisted": ()}, "nouveau", "warning", "next boot", "blacklist nouveau"),
    "vfio": (
        {"cards": (CARDS[0], card("0000:41:00.0", "vfio-pci"))},
        "card_binding", "error", "bound to vfio-pci", "options vfio-pci ids=",
    ),
    "a VM that takes a card": (
        {"guests": (guest(900, "win", kind="qemu", status="stopped", passed_through=("0000:41:00,pcie=1",)),)},
        "card_binding", "warning", "VM 900 'win' takes the card", "qm set 900",
    ),
    "one card": ({"cards": CARDS[:1]}, "cards", "error", "the plan has 2 cards, the node has 1", "reseat"),
    "another card": (
        {"cards": (CARDS[0], card("0000:41:00.0", model="NVIDIA GeForce RTX 3090"))},
        "cards", "error", "1 x NVIDIA GeForce RTX 4090 more", "hardware.gpus",
    ),
    "no driver": ({"driver": None}, "driver", "error", "no NVIDIA driver is loaded", "595.71.05, 580.119.02"),
    "driver does not build": (
        {"driver": None, "dkms": (DkmsModule(name="nvidia", version="550.163.01", kernel=None, state="added"),)},
        "driver_kernel", "error", "550.163.01 does not build for kernel 6.17.2-1-pve", "595.71.05",
    ),
    "driver does not build for the next kernel": (
        {"driver": "580.119.02", "kernels": (RUNNING, NodeKernel(release="7.0.14-14-pve", headers=True))},
        "driver_kernel", "error", "7.0.14-14-pve, which boots next", "kernel pin 6.17.2-1-pve",
    ),
    "next kernel not known": (
        {"kernels": (RUNNING, NodeKernel(release="7.0.14-14-pve", headers=True))},
        "driver_kernel", "warning", "is not known", "dkms build nvidia/595.71.05 -k 7.0.14-14-pve",
    ),
    "no uvm node": (
        {"device_nodes": ("/dev/nvidia0", "/dev/nvidia1", "/dev/nvidiactl", "/dev/nvidia-uvm-tools")},
        "device_nodes", "error", "do not start: /dev/nvidia-uvm", "pve-guests.service",
    ),
    "somebody on a card": (
        {"holders": (CardHolder(pid=77, name="ollama", guest=100),)},
        "holders", "warning", "'ollama' (pid 77) in guest 100 'dns'", "nvidia-smi",
    ),
    "memory": ({"memory_mib": 60000}, "memory", "error", "the node has 60000 MiB", "machines.*.memory"),
    "memory overcommitted": (
        {"guests": (guest(100, "big", memory_mib=64000),)}, "memory", "warning", "running ones (64000 MiB)", "'big'",
    ),
    "storage off": (
        {"storages": (storage("local", rootdir=False), storage("nfs", active=False))},
        "storage", "error", "not active: nfs", "Guest",
    ),
    "storage full": ({"storages": (storage("local", mib=400_000),)}, "storage", "error", "free: local 400000", "room"),
    "no disk fits": (
        {"storages": tuple(storage(name, mib=250_000) for name in "abc")}, "storage", "error", "307200 MiB", "room",
    ),
    "no place for templates": (
        {"storages": (storage("local", vztmpl=False),)}, "template", "error", "takes container templates", "Content",
    ),
    "no template": (
        {"templates": ("local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",)},
        "template", "error", "no template debian-12-standard", "pveam download local",
    ),
    "address taken": (
        {"guests": (guest(300, "mail", "10.42.0.12"),)}, "guests", "error", "taken by guest 300 'mail'", "network.cidr",
    ),
    "address of the node": ({"addresses": ("10.42.0.10",)}, "guests", "error", "is the node's own", "network.cidr"),
    "a name that looks alike": (
        {"guests": (guest(300, "engine", "10.99.0.1"),)}, "guests", "warning", "not the client's tag", "left alone",
    ),
    "id taken": (
        {"guests": (guest(42011, "mail", "10.99.0.1"),)},
        "guests", "error", "the id 42011, planned for 'engine'", "first_id",
    ),
    "stale lock": (
        {"guests": (OURS.model_copy(update={"lock": "backup"}),)}, "locks", "error", "a stale lock", "pct unlock 201",
    ),
    "lock at work": (
        {
            "guests": (OURS.model_copy(update={"lock": "backup"}),),
            "tasks": (NodeTask(kind="vzdump", id="201", user="root@pam"),),
        },
        "locks", "error", "by a task that runs: vzdump of root@pam", "wait",
    ),
    "clock": ({"clock_synchronised": False}, "clock", "warning", "not synchronised", "chrony"),
    "unattended upgrades": (
        {"unattended": UnattendedUpgrades(enabled=True, blacklist=())},
        "upgrades", "warning", "may change the NVIDIA driver", "Package-Blacklist",
    ),
}  # fmt: skip
PLAN_SIDE = {
    "one card",
    "another card",
    "memory",
    "storage full",
    "no disk fits",
    "address taken",
    "address of the node",
    "id taken",
}


def test_a_healthy_node_gives_none(findings: Findings) -> None:
    assert findings() == ()


def test_a_healthy_proxmox_8_node_is_only_old(plan: Plan, pve8: WrittenNode, observe: Observe) -> None:
    found = judge(plan, observe(pve8))
    assert [(finding.check, finding.severity) for finding in found] == [("proxmox", "warning")]
    assert exit_code(found) == ExitCode.OK


@pytest.mark.parametrize("case", BROKEN)
def test_one_fault_gives_one_finding(case: str, findings: Findings) -> None:
    facts, check, severity, what, hint = BROKEN[case]
    found = [finding for finding in findings(**facts) if not (check == "driver_kernel" and finding.check == "driver")]
    assert [(finding.check, finding.severity) for finding in found] == [(check, severity)]
    assert what in found[0].what
    assert hint in found[0].hint
    assert found[0].where.startswith("node pve1")
    blocks = {"plan": ExitCode.PLAN_IMPOSSIBLE, "node": ExitCode.SETUP_BROKEN}["plan" if case in PLAN_SIDE else "node"]
    assert exit_code(found) == (blocks if severity == "error" else ExitCode.OK)


def test_every_check_is_broken_once() -> None:
    elsewhere = {"secure_boot", "template_sum", "image"}
    here = {check.id for check in CHECKS if "proxmox" in check.platforms}
    assert {case[1] for case in BROKEN.values()} | elsewhere == here


def test_a_vm_needs_storages_that_take_it_and_the_pinned_image(plan: Plan, healthy: NodeObservation) -> None:
    wanted = WantedFiles(driver=None, template="t", template_sha512="a", image="debian.qcow2", image_sha512="b" * 128)
    machines = tuple(m.model_copy(update={"kind": "vm"}) if m.name == "gateway" else m for m in plan.machines)
    good = {"image_storages": {"images": ("local-lvm",), "import": ("local",)}, "image_sums": {}}

    def found(with_vm: bool = True, **changed: Any) -> list[tuple[str, str]]:
        node = healthy.model_copy(update={**good, **changed})
        asked = plan.model_copy(update={"machines": machines}) if with_vm else plan
        return [(f.severity, f.what) for f in judge(asked, node, wanted=wanted) if f.check == "image"]

    assert found() == []
    assert found(image_sums={"debian.qcow2": "b" * 128, "other.qcow2": "c"}) == []
    assert found(with_vm=False, image_storages={}) == []
    nothing = found(image_storages={})
    assert [severity for severity, _ in nothing] == ["error", "error"]
    assert "'local' takes no images to import" in nothing[0][1]
    assert "'local-lvm' takes no disks" in nothing[1][1]
    assert "not the pinned one" in found(image_sums={"debian.qcow2": "c" * 128})[0][1]
    assert "that came with 8.4" in found(pve="8.2.4")[0][1]
    assert [severity for severity, _ in found(image_storages=None, image_sums=None)] == ["warning", "warning"]


def test_a_template_of_the_pinned_name_must_be_the_pinned_one(plan: Plan, healthy: NodeObservation) -> None:
    wanted = WantedFiles(driver=None, template="debian.tar.zst", template_sha512="a" * 128)

    def found(sums: dict[str, str] | None) -> list[tuple[str, str]]:
        node = healthy.model_copy(update={"template_sums": sums})
        return [(f.check, f.severity) for f in judge(plan, node, wanted=wanted) if f.check == "template_sum"]

    assert found({"debian.tar.zst": "a" * 128}) == []
    assert found({"another.tar.zst": "b" * 128}) == []
    assert found({"debian.tar.zst": "b" * 128}) == [("template_sum", "error")]
    assert found(None) == [("template_sum", "warning")]


def test_the_driver_that_would_be_installed_is_held_against_the_kernel(plan: Plan, healthy: NodeObservation) -> None:
    bare = healthy.model_copy(update={"driver": None, "dkms": (), "device_nodes": ()})

    def checks(driver: str) -> list[str]:
        wanted = WantedFiles(driver=driver, template="x", template_sha512="0" * 128)
        return [f.check for f in judge(plan, bare, mended=True, wanted=wanted) if f.severity == "error"]

    assert checks("550.163.01") == ["driver_kernel"], "what up mends itself is left out, what it cannot is not"
    assert checks("595.71.05") == []


@pytest.mark.parametrize(("key", "words"), [("not enrolled", "MOK"), ("absent", "first builds a module")])
def test_secure_boot_stops_with_the_steps(key: str, words: str, findings: Findings) -> None:
    """The module cannot load then, so the driver is missing too; both are said."""
    found = findings(secure_boot=True, signing_key=key, driver=None)
    assert [finding.check for finding in found] == ["secure_boot", "driver"]
    assert words in found[0].hint
    assert "mokutil --import /var/lib/dkms/mok.pub" in found[0].hint
    assert findings(secure_boot=True, signing_key="enrolled") == ()
    assert findings(secure_boot=True, signing_key=key) == (), "a driver that is loaded was let in"


UNREADABLE = {
    **{"repositories": "repositories", "kernels": "kernel_headers", "secure_boot": "secure_boot", "modules": "nouveau"},
    **{"blacklisted": "nouveau", "cards": "cards", "device_nodes": "device_nodes", "holders": "holders"},
    **{"memory_mib": "memory", "storages": "storage", "templates": "template", "guests": "guests"},
    **{"clock_synchronised": "clock", "unattended": "upgrades", "driver": "driver"},
}


@pytest.mark.parametrize("fact", UNREADABLE)
def test_what_cannot_be_read_is_not_known_and_not_guessed(fact: str, findings: Findings) -> None:
    found = [finding for finding in findings(unread=fact) if finding.check == UNREADABLE[fact]]
    assert len(found) == 1
    assert found[0].severity == "warning"
    assert "not known, because the command is missing" in found[0].what
    assert {finding.check for finding in findings(unread=fact)} <= {UNREADABLE[fact], "template"}


def test_two_more_facts_that_only_matter_with_others(findings: Findings) -> None:
    (found,) = findings(repositories=(PAID,), subscription=None, unread="subscription")
    assert found.what.startswith("whether there is a subscription")
    assert findings(repositories=(PAID,), subscription="active") == ()
    (found,) = findings(guests=(OURS.model_copy(update={"lock": "backup"}),), tasks=None)
    assert "not known" in found.what
    checks = [finding.check for finding in findings(secure_boot=True, unread="signing_key", driver=None)]
    assert checks == ["secure_boot", "driver"]


def test_what_stands_already_needs_neither_disk_nor_template(plan: Plan, findings: Findings) -> None:
    standing = tuple(guest(200 + n, m.name, str(m.address), tags=(TAG,)) for n, m in enumerate(plan.machines))
    nothing = {"storages": (storage("local", mib=0, vztmpl=False),), "templates": ()}
    assert findings(guests=standing, **nothing) == ()
    engine = next(each.id for each in standing if each.name == "engine")
    assert findings(guests=standing, holders=(CardHolder(pid=9, name="llama-server", guest=engine),)) == ()


def test_a_foreign_lock_is_no_concern_of_ours(findings: Findings) -> None:
    assert findings(guests=(guest(100, "dns", "192.0.2.53", lock="backup"),)) == ()


def test_a_hold_keeps_unattended_upgrades_away(findings: Findings) -> None:
    on = UnattendedUpgrades(enabled=True, blacklist=())
    assert findings(unattended=on, held=("nvidia-driver",)) == ()
    assert findings(unattended=UnattendedUpgrades(enabled=True, blacklist=("nvidia",))) == ()


def test_a_pinned_kernel_boots_next(findings: Findings) -> None:
    kernels = (RUNNING, NodeKernel(release="7.0.14-14-pve", headers=False))
    assert {finding.check for finding in findings(kernels=kernels)} == {"kernel_headers", "driver_kernel"}
    assert findings(kernels=kernels, pinned_kernel="6.17.2-1-pve") == ()


def test_a_plan_without_cards_asks_for_no_driver(plan: Plan, findings: Findings) -> None:
    facts = {"driver": None, "cards": (), "device_nodes": (), "modules": ("nouveau",), "blacklisted": ()}
    assert findings(using=plan.model_copy(update={"cards": ()}), **facts) == ()


def test_what_is_no_proxmox_node_is_said_once(plan: Plan, healthy: NodeObservation) -> None:
    node = healthy.model_copy(
        update={"pve": None, "unread": {"pve": "the command pveversion is missing"}, "guests": None, "storages": None}
    )
    (found,) = judge(plan, node)
    assert "no Proxmox VE node: the command pveversion is missing" in found.what


def test_a_bare_node_says_everything_at_once(findings: Findings) -> None:
    """As the installer leaves it: no driver, nouveau on the cards, no headers, the paid repositories, no template."""
    found = findings(
        repositories=(PAID, PAID.model_copy(update={"file": "/etc/apt/sources.list.d/ceph.sources"})),
        kernels=(NodeKernel(release="6.17.2-1-pve", headers=False),),
        header_packages=(),
        available_headers=(),
        modules=("nouveau",),
        blacklisted=(),
        cards=tuple(card(address, "nouveau", None) for address in ("0000:01:00.0", "0000:41:00.0")),
        driver=None,
        device_nodes=(),
        templates=(),
        unread="dkms",
    )
    assert [(finding.check, finding.severity) for finding in found] == [
        ("repositories", "error"),
        ("kernel_headers", "error"),
        ("kernel_headers", "warning"),
        ("nouveau", "error"),
        ("driver", "error"),
        ("template", "error"),
    ]
    assert "pve-enterprise.sources, /etc/apt/sources.list.d/ceph.sources" in found[0].where
    assert all(finding.hint for finding in found)


def test_all_findings_come_at_once_and_the_node_decides_the_exit_code(findings: Findings) -> None:
    found = findings(memory_mib=60000, clock_synchronised=False, modules=("nouveau",), templates=())
    assert [finding.check for finding in found] == ["nouveau", "memory", "template", "clock"]
    assert exit_code(found) == ExitCode.SETUP_BROKEN

"""A VM as the plan wants it: nothing that a token may not set, a disk from the image, cloud-init's address and key."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from provision.catalog import load_catalog
from provision.errors import ErrorGroup, PlanError
from provision.models.plan import Plan
from provision.planner import build_plan
from provision.platforms.guests import compare, creation_parameters, describe_guests
from provision.profile import load_profile

KEY = "ssh-ed25519 AAAAC3Nza/+= provision"
IMAGE = "local:import/debian-12-genericcloud-amd64.qcow2"


def plan_of(*settings: str, profile: str = "sme-2x4090") -> Plan:
    loaded = load_profile(profile, overrides=("machines.3.kind=vm", *settings)).profile
    return build_plan(loaded, load_catalog(), client="acme", target="live", lab=None)


def gateway_of(plan: Plan) -> dict[str, str]:
    vm = next(guest for guest in describe_guests(plan.model_copy(update={"cards": ()})) if guest.kind == "qemu")
    assert plan.proxmox is not None
    return creation_parameters(vm, plan.proxmox, IMAGE, KEY)


def test_vm_is_made_from_the_image_with_address_and_key() -> None:
    given = gateway_of(plan_of())
    assert given["virtio0"] == f"local-lvm:0,import-from={IMAGE}"
    assert given["ide2"] == "local-lvm:cloudinit"
    assert given["ipconfig0"] == "ip=10.42.0.10/24,gw=10.42.0.1"
    assert given["net0"] == "virtio,bridge=vmbr0,firewall=1"
    assert unquote(given["sshkeys"]) == KEY
    assert not set(given["sshkeys"]) & set(" /+=")
    assert given["pool"] == "provision-acme"
    assert given["serial0"] == "socket"


def test_nothing_is_asked_for_that_a_token_may_not_set() -> None:
    """startup asks for Sys.Modify on /, args and hook scripts for root, tags for a guest that is there."""
    given = gateway_of(plan_of())
    assert not {"startup", "tags", "scsihw", "vga", "args", "hookscript", "agent", "cicustom"} & set(given)


def test_what_stands_as_planned_is_left_alone_and_its_hardware_address_kept() -> None:
    plan = plan_of()
    (vm,) = (guest for guest in describe_guests(plan.model_copy(update={"cards": ()})) if guest.kind == "qemu")
    card = "virtio=BC:24:11:00:00:01"
    stands = {
        **vm.options,
        "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1",
        "virtio0": "local-lvm:vm-1,size=16G",
    }
    assert compare(vm, stands).is_empty
    moved = {
        **stands,
        "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr1",
        "memory": "512",
        "virtio0": "local-lvm:vm-1,size=3G",
    }
    change = compare(vm, moved)
    assert change.options == {"net0": f"{card},bridge=vmbr0,firewall=1", "memory": "2048"}
    assert change.grow == {"virtio0": 16}
    with pytest.raises(PlanError, match="virtio0"):
        compare(vm, {**stands, "virtio0": "local-lvm:vm-1,size=40G"})


@pytest.mark.parametrize(
    ("settings", "profile", "words"),
    [(("machines.0.kind=vm",), "sme-2x4090", "engine"), (("machines.0.kind=vm",), "hetzner-rtx6000", "Proxmox node")],
)
def test_vm_where_none_can_be_is_refused(settings: tuple[str, ...], profile: str, words: str) -> None:
    loaded = load_profile(profile, overrides=settings).profile
    with pytest.raises((PlanError, ErrorGroup), match="virtual machine") as refused:
        build_plan(loaded, load_catalog(), client="acme", target="live", lab=None)
    assert words in str(refused.value)

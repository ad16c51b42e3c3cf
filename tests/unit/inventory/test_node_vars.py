"""What the node's roles are given, live and in the lab."""

from __future__ import annotations

from typing import Any

from provision.catalog import load_catalog
from provision.inventory import render_inventory
from provision.inventory.node_vars import build_node_inventory
from provision.models.inventory import DriverInput, ModelFile
from provision.models.node import NodeAccess, NodeCard, NodeLogin, NodeObservation
from provision.models.plan import Plan
from provision.planner import build_plan
from provision.profile import load_profile

INSTALLER = ModelFile(file="x.run", url="https://example.org/x.run", sha256="0" * 64, size_mib=400)
DRIVER = DriverInput(version="580.178.04", installer=INSTALLER, may_reboot=False, shown_as="580.178.04")


def plan_of(*settings: str, profile: str = "sme-2x4090") -> Plan:
    loaded = load_profile(profile, overrides=settings).profile
    return build_plan(loaded, load_catalog(), client="acme", target="live", lab=None)


def access(known_hosts: str = "") -> NodeAccess:
    login = NodeLogin(machine="pve1", address="192.0.2.10", port=22, user="root", known_hosts=known_hosts)
    return NodeAccess(login=login, node="pve1", api_host="192.0.2.10", ca_file="/ca.pem")


def node() -> NodeObservation:
    """Bare: two cards, no driver."""
    cards = tuple(
        NodeCard(address=address, device="10de:2684", driver=None, model=None, uuid=None)
        for address in ("0000:01:00.0", "0000:41:00.0")
    )
    facts: dict[str, Any] = dict.fromkeys(NodeObservation.model_fields)
    head = {"format": 1, "node": "pve1", "uid": 0, "kernel": "7.0.2-6-pve", "unread": {}, "cards": cards}
    return NodeObservation.model_validate({**facts, **head})


def variables(plan: Plan, driver: DriverInput | None = DRIVER) -> dict[str, Any]:
    return build_node_inventory(plan, access(), node(), driver).host_vars["pve1"]


def test_a_live_node_gets_headers_of_its_kernel_and_keeps_driver_and_kernel() -> None:
    given = variables(plan_of())
    assert given["provision_roles"] == ["proxmox_node", "nvidia_host"]
    assert given["nvidia_host_cards"] == 2
    assert given["nvidia_host_version"] == "580.178.04"
    assert "proxmox-headers-7.0.2-6-pve" in given["nvidia_host_packages"]
    assert "proxmox-default-kernel" in given["nvidia_host_held"]
    assert given["nvidia_host_loaded_file"] == "/proc/driver/nvidia/version"
    assert given["nvidia_host_may_reboot"] is False


def test_root_may_touch_the_guests_of_the_plan_alone() -> None:
    plan = plan_of("platform.guests.first_id=5000")
    assert variables(plan)["proxmox_node_guests"] == {"acme": [5010, 5011, 5012, 5013, 5014]}


def test_power_limits_are_set_by_pci_address_which_is_known_before_the_driver() -> None:
    assert variables(plan_of())["nvidia_host_power_limits"] == []
    given = variables(plan_of("hardware.gpus.0.power_limit=350W"))
    assert given["nvidia_host_power_limits"] == [
        {"address": "0000:01:00.0", "watts": 350},
        {"address": "0000:41:00.0", "watts": 350},
    ]


def test_without_cards_there_is_no_driver_role() -> None:
    given = variables(plan_of(profile="cpu-small"), driver=None)
    assert given["provision_roles"] == ["proxmox_node"]
    assert not [name for name in given if name.startswith("nvidia_")]


def test_host_keys_of_ours_are_checked_and_the_tree_holds_the_node_alone() -> None:
    inventory = build_node_inventory(plan_of(), access(known_hosts="/k h"), node(), DRIVER)
    tree = render_inventory(inventory)
    assert set(tree) == {"hosts.yml", "group_vars/all/main.yml", "host_vars/pve1.yml"}
    assert "UserKnownHostsFile='/k h' -o StrictHostKeyChecking=yes" in tree["hosts.yml"]

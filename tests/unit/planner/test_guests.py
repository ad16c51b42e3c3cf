"""Ids, disks and order of a profile's guests on a Proxmox node."""

from __future__ import annotations

import pytest

from provision.catalog import load_catalog
from provision.models.plan import GuestPlan, Plan
from provision.planner import build_plan
from provision.profile import load_profile


def plan_of(profile: str = "sme-2x4090", *settings: str) -> Plan:
    loaded = load_profile(profile, overrides=settings).profile
    return build_plan(loaded, load_catalog(), client="acme", target="live", lab=None)


def guests(plan: Plan) -> dict[str, GuestPlan]:
    return {machine.name: machine.guest for machine in plan.machines if machine.guest}


def test_ids_follow_from_the_address_and_can_be_moved() -> None:
    assert {name: guest.id for name, guest in guests(plan_of()).items()} == {
        "engine": 42011,
        "data": 42012,
        "apps": 42013,
        "gateway": 42010,
        "observe": 42014,
    }
    moved = plan_of("sme-2x4090", "platform.guests.first_id=9000")
    assert guests(moved)["engine"].id == 9011


def test_only_an_engine_has_a_volume_for_models_and_the_sum_is_the_planned_disk() -> None:
    plan = plan_of()
    for machine in plan.machines:
        assert machine.guest
        assert machine.guest.system_mib + machine.guest.models_mib == machine.disk_mib
        assert bool(machine.guest.models_mib) == (machine.name == "engine")


@pytest.mark.parametrize("profile", ["hetzner-rtx6000", "scaleway-h100"])
def test_a_host_has_no_guests(profile: str) -> None:
    plan = plan_of(profile)
    assert plan.proxmox is None
    assert guests(plan) == {}
    assert not any("nvidia_guest" in machine.roles for machine in plan.machines)


def test_pool_and_tag_are_the_clients() -> None:
    proxmox = plan_of().proxmox
    assert proxmox
    assert (proxmox.pool, proxmox.tag) == ("provision-acme", "provision-acme")
    assert (proxmox.storage, proxmox.templates, proxmox.zone) == ("local-lvm", "local", "localnetwork")


def test_only_guests_that_get_cards_get_the_drivers_libraries() -> None:
    assert [m.name for m in plan_of().machines if "nvidia_guest" in m.roles] == ["engine"]
    assert not [m for m in plan_of("cpu-small").machines if "nvidia_guest" in m.roles]

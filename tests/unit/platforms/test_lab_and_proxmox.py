"""What a plan asks of the lab, and what is said where machines are not made yet."""

from __future__ import annotations

import pytest

from provision.catalog import load_catalog
from provision.errors import ExitCode
from provision.models.lab import LabModel
from provision.models.plan import Plan
from provision.planner import build_plan
from provision.platforms import explain_missing_guests, lab_spec, live_connections, machines_to_create
from provision.platforms.lab import IMAGE_DRIVERS
from provision.preflight.driver_table import numbers
from provision.preflight.engine_drivers import FLOORS
from provision.profile import load_profile

LAB_MODEL = LabModel(
    id="gemma-3-270m",
    quant="q4_k_m",
    file="gemma-3-270m-q4_k_m.gguf",
    weights_mib=241,
    compute_mib=60,
    process_overhead_mib=50,
    max_context=2048,
)


def plan_of(profile: str, *, lab: bool) -> Plan:
    return build_plan(
        load_profile(profile).profile,
        load_catalog(),
        client="acme",
        target="lab" if lab else "live",
        lab=LAB_MODEL if lab else None,
    )


def test_a_lab_has_the_plans_guests_and_cards() -> None:
    plan = plan_of("sme-2x4090", lab=True)
    spec = lab_spec(plan)
    assert (spec.name, spec.network) == ("acme", plan.network)
    assert {guest.name: str(guest.address) for guest in spec.guests} == {
        "engine": "10.42.0.11",
        "data": "10.42.0.12",
        "apps": "10.42.0.13",
        "gateway": "10.42.0.10",
        "observe": "10.42.0.14",
    }
    gpus = {guest.name: guest.gpus for guest in spec.guests}
    assert [name for name, cards in gpus.items() if cards] == ["engine"]
    assert [(gpu.index, gpu.name, gpu.memory_mib) for gpu in gpus["engine"]] == [
        (0, "NVIDIA GeForce RTX 4090", 24564),
        (1, "NVIDIA GeForce RTX 4090", 24564),
    ]
    assert [gpu.uuid for gpu in gpus["engine"]] == [card.uuid for card in plan.cards]
    assert machines_to_create(plan) == plan.machines


def test_a_guest_that_stands_for_a_rented_host_is_as_its_provider_hands_it_over() -> None:
    (hetzner,) = lab_spec(plan_of("hetzner-rtx6000", lab=True)).guests
    (scaleway,) = lab_spec(plan_of("scaleway-h100", lab=True)).guests
    assert hetzner.plain_host is not None
    assert hetzner.plain_host.image_driver is None
    assert scaleway.plain_host is not None
    assert scaleway.plain_host.image_driver == IMAGE_DRIVERS["scaleway"]
    assert numbers(IMAGE_DRIVERS["scaleway"]) >= numbers(FLOORS["llama_cpp"])
    assert not any(guest.plain_host for guest in lab_spec(plan_of("sme-2x4090", lab=True)).guests)


def test_a_lab_without_cards_simulates_none() -> None:
    assert not any(guest.gpus for guest in lab_spec(plan_of("cpu-small", lab=True)).guests)


def test_a_live_plan_has_no_lab() -> None:
    plan = plan_of("sme-2x4090", lab=False)
    assert machines_to_create(plan) == ()
    with pytest.raises(ValueError, match="has no lab"):
        lab_spec(plan)


def test_live_machines_are_reached_with_the_administrators_own_keys() -> None:
    connections = live_connections(plan_of("hetzner-rtx6000", lab=False))
    assert [(c.machine, str(c.address), c.port, c.user) for c in connections] == [("host", "10.42.0.10", 22, "root")]
    assert {(c.private_key, c.known_hosts) for c in connections} == {("", "")}


def test_missing_guests_are_explained_where_there_are_guests_to_make() -> None:
    guests = plan_of("sme-2x4090", lab=False)
    assert explain_missing_guests(guests) is None, "a Proxmox node makes them"
    error = explain_missing_guests(guests.model_copy(update={"platform": "host", "proxmox": None}))
    assert error is not None
    assert error.exit_code == ExitCode.SETUP_BROKEN
    assert "does not create guests on a plain host" in error.what
    assert "engine 10.42.0.11" in error.where
    assert "--lab" in error.hint
    assert explain_missing_guests(plan_of("sme-2x4090", lab=True)) is None
    assert explain_missing_guests(plan_of("hetzner-rtx6000", lab=False)) is None

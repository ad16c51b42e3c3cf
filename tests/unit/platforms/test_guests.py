"""Containers as the plan wants them: devices and cards agree everywhere, and only what differs is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.catalog import load_catalog
from provision.errors import PlanError, SetupError
from provision.inventory import build_inventory
from provision.models.guests import GuestState
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan
from provision.pipeline.lab_model import describe_lab_model
from provision.planner import build_plan
from provision.platforms.guests import (
    compare,
    creation_parameters,
    describe_guests,
    devices_of,
    disk_gib,
    is_ours,
    split_tags,
)
from provision.platforms.lab import simulated_cards
from provision.profile import load_profile

EMBEDDING = (
    "workload.models=[{name: chat, model: llama3.3-70b, quant: q4_k_m, context: 4096, gpus: [0, 1]}, "
    "{name: embed, model: bge-m3, quant: f16, context: 1024, gpus: [1]}]"
)


def plan_of(*settings: str, lab: bool = True) -> Plan:
    catalog = load_catalog()
    return build_plan(
        load_profile("sme-2x4090", overrides=settings).profile,
        catalog,
        client="acme",
        target="lab" if lab else "live",
        lab=describe_lab_model(catalog) if lab else None,
    )


def test_devices_environment_and_node_say_the_same_cards() -> None:
    """A chat model over both cards and an embedding model on card 1: by UUID from the node to the engine's flags."""
    plan = plan_of(EMBEDDING)
    uuids = [card.uuid for card in plan.cards]
    node = {card.index: card.uuid for card in simulated_cards(plan)}
    engine = next(container for container in describe_guests(plan) if container.name == "engine")
    numbers = [int(path.removeprefix("/dev/nvidia")) for path in engine.devices if path[11:].isdigit()]
    assert [node[number] for number in numbers] == uuids

    variables = build_inventory(plan, InventoryInput()).host_vars["engine"]
    instances = {instance["name"]: instance for instance in variables["llama_cpp_instances"]}
    assert instances["chat"]["cuda_visible_devices"] == ",".join(map(str, uuids))
    assert instances["embed"]["cuda_visible_devices"] == uuids[1]
    planned = {engine.name: [plan.cards[budget.card].uuid for budget in engine.cards] for engine in plan.engines}
    assert planned == {"chat": uuids, "embed": [uuids[1]]}
    assert all(not container.devices for container in describe_guests(plan) if container.name != "engine")


def test_cards_that_the_driver_numbers_otherwise_keep_their_uuid() -> None:
    plan = plan_of()
    first, second = plan.cards
    crossed = (first.model_copy(update={"minor": 1}), second.model_copy(update={"minor": 0}))
    engine = describe_guests(plan.model_copy(update={"cards": crossed}))
    devices = next(container.devices for container in engine if container.name == "engine")
    assert devices[:2] == ("/dev/nvidia1", "/dev/nvidia0")


def test_a_card_without_a_number_is_refused() -> None:
    with pytest.raises(SetupError, match="not known which device node card 0"):
        describe_guests(plan_of(lab=False))


def test_guests_start_after_those_they_need() -> None:
    """apps asks the decision layer on gateway, whose Caddy asks apps: these two start together."""
    order = {container.name: container.start_order for container in describe_guests(plan_of())}
    assert order["data"] < order["apps"] == order["gateway"]
    assert order["engine"] < order["apps"]


def test_a_new_guest_is_unprivileged_and_asks_for_no_device() -> None:
    plan = plan_of()
    assert plan.proxmox
    for container in describe_guests(plan):
        given_to_api = creation_parameters(
            container,
            plan.proxmox,
            "local:vztmpl/x.tar.zst",
            "ssh-ed25519 A",
        )
        assert given_to_api["unprivileged"] == "1"
        assert given_to_api["features"] == "nesting=1"
        assert given_to_api["pool"] == "provision-acme"
        assert not [key for key in given_to_api if key.startswith("dev")]
        assert "tags" not in given_to_api, "the token may set them only once the guest is in its pool"
        assert ("mp0" in given_to_api) == (container.name == "engine")


def test_a_guest_as_planned_needs_nothing_whatever_proxmox_adds() -> None:
    for container in describe_guests(plan_of()):
        config: dict[str, object] = {
            **container.options,
            "cores": int(container.options["cores"]),
            "net0": container.options["net0"] + ",hwaddr=BC:24:11:00:00:01",
            "tags": "provision-acme;provision",
            "description": container.options["description"] + "\n",
            "rootfs": f"local-lvm:vm-{container.id}-disk-0,size={container.system_gib}G",
            "mp0": f"local-lvm:vm-{container.id}-disk-1,mp=/x,backup=0,size={container.models_gib}G",
            "digest": "x",
        }
        assert compare(container, config).is_empty


def test_a_changed_address_keeps_the_hardware_address() -> None:
    container = describe_guests(plan_of())[0]
    config = {**container.options, "net0": "name=eth0,bridge=vmbr9,hwaddr=BC:24:11:00:00:01,type=veth"}
    change = compare(container, config)
    assert list(change.options) == ["net0"]
    assert change.options["net0"].endswith(",hwaddr=BC:24:11:00:00:01")


def test_disks_grow_and_never_shrink() -> None:
    container = describe_guests(plan_of())[0]
    smaller = {**container.options, "rootfs": "local-lvm:vm-1-disk-0,size=1G"}
    assert compare(container, smaller).grow == {"rootfs": container.system_gib}
    larger = {**container.options, "rootfs": "local-lvm:vm-1-disk-0,size=9T"}
    with pytest.raises(PlanError, match="are planned"):
        compare(container, larger)


@pytest.mark.parametrize(
    ("volume", "gib"), [("a:b,size=8G", 8), ("a:b,size=512M", 1), ("a:b,size=1.5T", 1536), ("a:b", None), ("", None)]
)
def test_sizes_as_proxmox_writes_them(volume: str, gib: int | None) -> None:
    assert disk_gib(volume) == gib


@given(st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True), max_size=6), st.sampled_from([";", ",", " "]))
def test_tags_are_read_whatever_parts_them(tags: list[str], between: str) -> None:
    assert set(split_tags(between.join(tags))) == set(tags)


def test_devices_are_read_in_the_order_of_their_numbers() -> None:
    config = {"dev10": "/dev/nvidia-uvm,gid=44", "dev2": "path=/dev/nvidiactl,gid=44", "devx": "no", "net0": "x"}
    assert devices_of(config) == ("/dev/nvidiactl", "/dev/nvidia-uvm")


def test_a_guest_that_a_killed_run_left_without_its_tag_is_ours_and_a_tagged_stranger_is_not() -> None:
    container = describe_guests(plan_of())[0]

    def state(name: str, *tags: str) -> GuestState:
        return GuestState(kind=container.kind, id=container.id, name=name, status="stopped", tags=tags, lock=None)

    assert is_ours(state(container.name), container, "provision-acme")
    assert is_ours(state("renamed", "provision-acme"), container, "provision-acme")
    assert not is_ours(state("mail"), container, "provision-acme")
    assert not is_ours(state(container.name, "provision"), container, "provision-acme")

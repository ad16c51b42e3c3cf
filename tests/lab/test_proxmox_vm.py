"""A VM on the lab's Proxmox node: by the API from an image, its disk grown, changed, removed. What runs in the VM's
place is a container, which stands in for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provision.errors import ErrorGroup, ExitCode, ProvisionError
from provision.lab.lab import destroy_lab
from provision.lab.pve.template import lab_image
from provision.models.lab import NODE_NAME
from provision.pipeline.drift import find_drift
from provision.pipeline.guest_reach import find_host_key
from provision.pipeline.guests import remove_guests
from provision.pipeline.planning import make_plan
from provision.platforms.privileges import token_id
from tests.lab.lab_home import lab_home_folder
from tests.lab.proxmox_lab import ProxmoxLab

pytestmark = pytest.mark.lab

CLIENT = "t-proxmox-vm"
NETWORK = "network.cidr=10.96.41.0/24"
GATEWAY = 42010


@pytest.fixture(scope="module")
def lab() -> Iterator[ProxmoxLab]:
    with lab_home_folder():
        made = ProxmoxLab(CLIENT, (NETWORK, "machines.3.kind=vm"))
        try:
            made.up()
            yield made
        finally:
            destroy_lab(CLIENT)


def test_vm_is_made_from_the_uploaded_image_and_lets_provision_in(lab: ProxmoxLab) -> None:
    config = lab.as_root("GET", f"/nodes/pve/qemu/{GATEWAY}/config")
    assert config["name"] == "gateway"
    assert config["ipconfig0"] == "ip=10.96.41.10/24,gw=10.96.41.1"
    assert "size=16G" in config["virtio0"]
    assert "startup" not in config
    assert config["serial0"] == "socket"
    assert set(config["tags"].split(";")) == {"provision", f"provision-{CLIENT}"}
    content = lab.as_root("GET", "/nodes/pve/storage/local/content")
    assert f"local:import/{lab_image()[0].name}" in {volume["volid"] for volume in content}
    assert {guest["vmid"] for guest in lab.as_root("GET", "/nodes/pve/qemu")} == {GATEWAY}
    assert lab.inside("gateway", "hostname").strip() == "gateway"
    assert {request["status"] for request in lab.requests_of(token_id(CLIENT))} == {200}


def test_a_second_run_changes_and_starts_nothing(lab: ProxmoxLab) -> None:
    lab.up()
    assert lab.up() == 0
    assert find_drift(lab.node) == ()


def test_what_somebody_changed_is_seen_and_undone(lab: ProxmoxLab) -> None:
    lab.as_root("PUT", f"/nodes/pve/qemu/{GATEWAY}/config", onboot="0", cores="1")
    drift = [d.what for d in find_drift(lab.node) if d.machine == "gateway"]
    assert any(what.startswith("onboot is 0") for what in drift)
    lab.notes.clear()
    lab.up()
    assert find_drift(lab.node) == ()
    assert lab.up() == 0


def test_changed_memory_is_written_and_takes_effect_by_one_restart(lab: ProxmoxLab) -> None:
    before = lab.plan
    more = lab.options.model_copy(update={"settings": (*lab.options.settings, "machines.3.memory=3GiB")})
    lab.plan = make_plan(more).plan
    try:
        lab.notes.clear()
        assert lab.up() >= 1
        assert any(f"restarting guest {GATEWAY}" in note for note in lab.notes)
        assert lab.as_root("GET", f"/nodes/pve/qemu/{GATEWAY}/config")["memory"] == "3072"
        assert lab.up() == 0
    finally:
        lab.plan = before
        lab.up()


def test_an_address_where_nobody_answers_yet_has_no_key_and_is_asked_again(lab: ProxmoxLab) -> None:
    """A VM boots for a while: ssh-keyscan then ends with 1, which must not end the run."""
    assert find_host_key(lab.node, "10.96.41.77") is None
    key = find_host_key(lab.node, "10.96.41.10")
    assert key is not None
    assert key.startswith("ssh-ed25519 ")


def test_a_vm_that_is_planned_as_a_container_is_refused_untouched(lab: ProxmoxLab) -> None:
    before = lab.plan
    lab.plan = make_plan(lab.options.model_copy(update={"settings": (NETWORK,)})).plan
    try:
        with pytest.raises(ErrorGroup, match="stands as a guest of kind qemu, and lxc is planned"):
            lab.up()
    finally:
        lab.plan = before
    assert lab.up() == 0


@pytest.mark.slow
def test_disk_grows_and_never_shrinks(lab: ProxmoxLab) -> None:
    before = lab.plan
    larger = lab.options.model_copy(update={"settings": (*lab.options.settings, "machines.3.disk=20GiB")})
    lab.plan = make_plan(larger).plan
    try:
        assert lab.up() >= 1
        assert "size=20G" in lab.as_root("GET", f"/nodes/pve/qemu/{GATEWAY}/config")["virtio0"]
        assert lab.up() == 0
        lab.plan = before
        with pytest.raises((ProvisionError, ErrorGroup), match="20 GiB, and 16 GiB are planned"):
            lab.up()
    finally:
        lab.plan = before
        remove_guests(lab.node, lab.clock)
        lab.up()


def test_image_that_arrives_damaged_is_refused(lab: ProxmoxLab) -> None:
    file, _ = lab_image()
    with pytest.raises(ProvisionError, match="checksum mismatch"):
        lab.node.api.upload("local", "import", file, "sha512", "0" * 128)


def test_damaged_image_on_the_node_is_seen_before_guests_are_made(lab: ProxmoxLab) -> None:
    remove_guests(lab.node, lab.clock)
    place = lab.root_of(NODE_NAME) / "var/lib/vz/import" / lab_image()[0].name
    good = place.read_bytes()
    place.write_bytes(good[:20])
    try:
        with pytest.raises(ErrorGroup) as caught:
            lab.up()
        assert caught.value.exit_code == ExitCode.SETUP_BROKEN
        assert "the image" in caught.value.errors[0].what
        assert "is not the pinned one" in caught.value.errors[0].what
    finally:
        place.write_bytes(good)
    lab.up()


def test_only_our_own_vms_go(lab: ProxmoxLab) -> None:
    """A stranger's VM with a near name, at the next id, outside our pool."""
    lab.as_root("POST", "/nodes/pve/qemu", vmid=GATEWAY + 5, name="gateway-old", memory=512)
    names = remove_guests(lab.node, lab.clock)
    assert "gateway" in names
    assert {guest["name"] for guest in lab.as_root("GET", "/nodes/pve/qemu")} == {"gateway-old"}


def test_foreign_vm_at_a_planned_id_stops_the_run(lab: ProxmoxLab) -> None:
    lab.as_root("POST", "/nodes/pve/qemu", vmid=GATEWAY, name="mail", memory=512)
    with pytest.raises(ErrorGroup) as caught:
        lab.up()
    assert caught.value.exit_code == ExitCode.PLAN_IMPOSSIBLE
    assert f"the id {GATEWAY}, planned for 'gateway', is taken by 'mail'" in caught.value.errors[0].what

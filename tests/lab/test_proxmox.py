"""A Proxmox node in the lab: from bare to guests with cards, a token of few privileges, restarts, faults, removal.

The API is fakepve in its own process, the node a guest that stands for one; the containers are real.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
import requests

from provision.catalog.node_artifacts import load_artifacts
from provision.errors import ErrorGroup, ExitCode, ProvisionError, RunError, SetupError, UnreachableError
from provision.lab.lab import destroy_lab
from provision.lab.pve.template import lab_template
from provision.models.inventory import DriverInput, InventoryInput
from provision.pipeline import up
from provision.pipeline.drift import explain_silent, find_drift
from provision.pipeline.driver_change import bring_node
from provision.pipeline.guest_login import ensure_key
from provision.pipeline.guests import remove_guests
from provision.pipeline.lab import inject_fault
from provision.pipeline.lock import overlay_file
from provision.pipeline.node_stage import ensure_guests
from provision.pipeline.planning import make_plan, save_plan
from provision.pipeline.template import ensure_sources
from provision.pipeline.token import SECRET, create_token, require_privileges
from provision.platforms.guests import creation_parameters
from provision.platforms.privileges import PRIVILEGES, Privilege, grants, token_id
from provision.platforms.proxmox import ProxmoxNode
from provision.runner.secrets import read_secrets
from tests.lab.lab_home import lab_home_folder
from tests.lab.proxmox_lab import ProxmoxLab, until

if TYPE_CHECKING:
    from provision.pipeline.verification import Verified

pytestmark = pytest.mark.lab

CLIENT = "t-proxmox"
NETWORK = "network.cidr=10.96.40.0/24"
ENGINE, APPS = 42011, 42013
GRANTS = grants(CLIENT, "local-lvm", "local", "localnetwork")


@pytest.fixture(scope="module")
def lab() -> Iterator[ProxmoxLab]:
    with lab_home_folder():
        made = ProxmoxLab(CLIENT, (NETWORK, "hardware.gpus.0.power_limit=350W"))
        try:
            made.up()
            yield made
        finally:
            destroy_lab(CLIENT)


@pytest.fixture
def healed(lab: ProxmoxLab) -> Iterator[None]:
    """Whatever a test broke is whole again for the next one: by the product, not by the test."""
    yield
    lab.as_root("POST", "/lab/fail")
    lab.on_node("/usr/local/sbin/provision-nvidia-devices", "2")
    lab.up()


def errors_of(error: ProvisionError | ErrorGroup) -> list[ProvisionError]:
    return list(error.errors) if isinstance(error, ErrorGroup) else [error]


def test_a_bare_node_gets_driver_devices_and_guests(lab: ProxmoxLab) -> None:
    """The guest opens the cards as Proxmox gives them: mode 0660, the group that the engines are members of."""
    config = lab.as_root("GET", f"/nodes/pve/lxc/{ENGINE}/config")
    assert config["unprivileged"] == 1
    assert config["features"] == "nesting=1"
    assert set(config["tags"].split(";")) == {"provision", f"provision-{CLIENT}"}
    assert "backup=0" in config["mp0"]
    assert "firewall=1" in config["net0"]
    paths = [config[f"dev{n}"].split(",")[0] for n in range(6)]
    assert paths[:2] == ["/dev/nvidia0", "/dev/nvidia1"]
    assert "/dev/nvidia-uvm" in paths
    listed = lab.inside("engine", "stat", "-c", "%n %a %G %t", "/dev/nvidia0", "/dev/nvidia-uvm")
    assert listed.splitlines()[0] == "/dev/nvidia0 660 video c3"
    assert not any(key.startswith("dev") for key in lab.as_root("GET", f"/nodes/pve/lxc/{APPS}/config"))
    assert lab.on_node("systemctl", "is-active", "provision-nvidia-power.service").strip() == "active"
    power = (lab.root_of("pve") / "etc/systemd/system/provision-nvidia-power.service").read_text()
    assert "nvidia-smi --id=0000:02:00.0 --power-limit=350" in power
    options = (lab.root_of("pve") / "opt/lab-node/installer-options").read_text().split()
    assert "--kernel-module-type=open" in options
    assert "--dkms" in options


def test_a_second_run_changes_and_starts_nothing(lab: ProxmoxLab) -> None:
    lab.up()
    before = {guest["vmid"]: guest["pid"] for guest in lab.as_root("GET", "/nodes/pve/lxc")}
    seen = len(lab.requests_of(token_id(CLIENT)))
    assert lab.up() == 0
    assert {guest["vmid"]: guest["pid"] for guest in lab.as_root("GET", "/nodes/pve/lxc")} == before
    assert {r["method"] for r in lab.requests_of(token_id(CLIENT))[seen:]} == {"GET"}
    assert find_drift(lab.node) == ()


def test_the_api_accepted_every_call_of_the_token_and_devices_were_never_asked_of_it(lab: ProxmoxLab) -> None:
    asked = lab.requests_of(token_id(CLIENT))
    assert len(asked) > 20
    assert {request["status"] for request in asked} == {200}
    with pytest.raises(SetupError, match="only allowed for root@pam"):
        lab.node.api.update(lab.guest(ENGINE), {"dev7": "/dev/nvidia0"})


def test_even_a_token_of_root_may_not_set_devices(lab: ProxmoxLab) -> None:
    """Proxmox compares the name of the login, which for a token is root@pam!NAME (pve-container, LXC.pm)."""
    secret = lab.as_root("POST", "/lab/pveum", what="token", token="root@pam!t")["value"]
    answer = requests.put(
        f"https://{lab.plan.gateway}:8006/api2/json/nodes/pve/lxc/{ENGINE}/config",
        headers={"Authorization": f"PVEAPIToken=root@pam!t={secret}"},
        data={"dev7": "/dev/nvidia0"},
        verify=lab.access.ca_file,
        timeout=10,
    )
    assert answer.status_code == 403
    assert "only allowed for root@pam" in answer.reason


@pytest.mark.parametrize("privilege", PRIVILEGES, ids=lambda p: f"{p.name}-{p.place}")
def test_each_missing_privilege_is_named(lab: ProxmoxLab, privilege: Privilege) -> None:
    with without(lab, privilege), pytest.raises(ErrorGroup) as caught:
        require_privileges(lab.node.api, lab.plan, lab.clock)
    (error,) = caught.value.errors
    assert privilege.name in error.what
    assert "provision token" in error.hint


def test_a_privilege_beyond_the_documented_ones_is_told(lab: ProxmoxLab) -> None:
    lab.as_root("POST", "/lab/pveum", what="role", role="TooMuch", privileges=["VM.Audit"])
    for who in ("provision@pve", token_id(CLIENT)):
        lab.as_root("POST", "/lab/pveum", what="acl", who=who, path="/vms", role="TooMuch")
    lab.notes.clear()
    require_privileges(lab.node.api, lab.plan, lab.clock)
    assert any("VM.Audit on /vms" in note for note in lab.notes)
    lab.as_root("POST", "/lab/pveum", what="role", role="TooMuch", privileges=[])


def test_a_missing_privilege_stops_up_before_anything_is_changed(lab: ProxmoxLab) -> None:
    with without(lab, PRIVILEGES[0]), pytest.raises(ErrorGroup) as caught:
        lab.up()
    assert caught.value.exit_code == ExitCode.SETUP_BROKEN


@contextmanager
def without(lab: ProxmoxLab, privilege: Privilege) -> Iterator[None]:
    """The token's role without one privilege, as an administrator might edit it."""
    _, role, all_of_it = next(grant for grant in GRANTS if privilege.name in grant.privileges)
    fewer = [name for name in all_of_it if name != privilege.name]
    lab.as_root("POST", "/lab/pveum", what="role", role=role, privileges=fewer)
    try:
        yield
    finally:
        lab.as_root("POST", "/lab/pveum", what="role", role=role, privileges=list(all_of_it))


def test_after_a_restart_the_unit_makes_the_devices_before_the_guests_start(lab: ProxmoxLab) -> None:
    lab.cut_power()
    up = until(lambda: all(lab.status_of(m.name) == "running" for m in lab.plan.machines), 180)
    assert up, lab.started_after_boot()
    assert "c3" in lab.inside("engine", "stat", "-c", "%t", "/dev/nvidia0")
    started = lab.on_node("systemctl", "show", "-p", "Before", "provision-nvidia-devices.service")
    assert "pve-guests.service" in started
    assert "pve-ha-lrm.service" in started


def test_without_the_unit_the_engine_does_not_start_and_it_is_said_why(lab: ProxmoxLab) -> None:
    lab.on_node("systemctl", "disable", "provision-nvidia-devices.service")
    lab.cut_power()
    assert until(lambda: lab.status_of("gateway") == "running", 180), lab.started_after_boot()
    assert lab.state_of("engine") == "STOPPED"
    assert any("is stopped" in d.what for d in find_drift(lab.node) if d.machine == "engine")
    why = explain_silent(lab.node, {"engine", "gateway"})
    assert set(why) == {"engine"}
    assert "is stopped on its node and cannot start, the node lacks /dev/nvidia0, /dev/nvidia1" in why["engine"]
    with pytest.raises(RunError, match="Device /dev/nvidia0 does not exist") as caught:
        lab.node.api.start(lab.guest(ENGINE))
    assert "provision-nvidia-devices" in caught.value.hint
    lab.up()
    assert lab.state_of("engine") == "RUNNING"
    assert lab.on_node("systemctl", "is-enabled", "provision-nvidia-devices.service").strip() == "enabled"


def test_a_missing_uvm_node_is_made_again(lab: ProxmoxLab) -> None:
    lab.on_node("rm", "/dev/nvidia-uvm")
    assert lab.up() >= 1
    assert stat.S_ISCHR(lab.device_of_node("nvidia-uvm").st_mode)


def test_a_wrong_group_is_put_right_with_a_restart_that_is_announced(lab: ProxmoxLab) -> None:
    lab.node.api.stop(lab.guest(ENGINE))
    lab.as_root("PUT", f"/nodes/pve/lxc/{ENGINE}/config", dev0="/dev/nvidia0,gid=0,mode=0660")
    lab.node.api.start(lab.guest(ENGINE))
    assert lab.inside("engine", "stat", "-c", "%G", "/dev/nvidia0").strip() == "root"
    lab.notes.clear()
    assert lab.up() >= 1
    assert any("restarting guest" in note for note in lab.notes)
    assert lab.inside("engine", "stat", "-c", "%G", "/dev/nvidia0").strip() == "video"


def test_what_somebody_changed_is_seen_and_undone(lab: ProxmoxLab) -> None:
    lab.as_root("PUT", f"/nodes/pve/lxc/{APPS}/config", cores="1", onboot="0")
    drift = [d.what for d in find_drift(lab.node) if d.machine == "apps"]
    assert any(what.startswith("cores is 1") for what in drift)
    assert any(what.startswith("onboot is 0") for what in drift)
    lab.up()
    assert find_drift(lab.node) == ()


@pytest.mark.slow
def test_tags_are_set_once_the_guest_is_in_its_pool(lab: ProxmoxLab) -> None:
    """Proxmox asks for the privilege on the guest itself, and so does the lab's API; what a kill leaves is taken up."""
    remove_guests(lab.node, lab.clock)
    engine = lab.guest(ENGINE)
    sources, key = ensure_sources(lab.node, [engine], lab.clock), ensure_key(lab.workspace)
    given = creation_parameters(engine, lab.node.where, sources["lxc"], key)
    with pytest.raises(SetupError, match="Permission check failed"):
        lab.node.api.create(engine, {**given, "tags": engine.options["tags"]})
    lab.node.api.create(engine, given)
    lab.up()
    assert find_drift(lab.node) == ()


@pytest.mark.slow
def test_a_guest_that_moves_or_grows_is_made_so_and_leaves_nothing_behind(lab: ProxmoxLab) -> None:
    """Another address means another id: the old guest goes. A disk grows in place, and the second run does nothing."""
    before = lab.plan
    moved = ("machines.2.address=23", "machines.1.disk=101GiB")
    lab.plan = make_plan(lab.options.model_copy(update={"settings": (*lab.options.settings, *moved)})).plan
    try:
        assert lab.up() >= 2
        assert {guest["vmid"] for guest in lab.as_root("GET", "/nodes/pve/lxc")} == {42010, 42011, 42012, 42014, 42023}
        assert "size=101G" in lab.as_root("GET", "/nodes/pve/lxc/42012/config")["rootfs"]
        assert lab.up() == 0
    finally:
        lab.plan = before
        remove_guests(lab.node, lab.clock)
        lab.up()


@pytest.mark.usefixtures("healed")
def test_a_foreign_guest_at_a_planned_id_stops_the_run(lab: ProxmoxLab) -> None:
    remove_guests(lab.node, lab.clock)
    lab.as_root("POST", "/lab/guest", vmid=ENGINE, config={"hostname": "mail", "net0": "name=eth0,bridge=vmbr0"})
    try:
        with pytest.raises(ErrorGroup) as caught:
            lab.up()
        assert caught.value.exit_code == ExitCode.PLAN_IMPOSSIBLE
        assert "the id 42011, planned for 'engine', is taken by 'mail'" in caught.value.errors[0].what
        assert "first_id" in caught.value.errors[0].hint
    finally:
        lab.as_root("DELETE", f"/nodes/pve/lxc/{ENGINE}")


def test_a_locked_guest_is_explained_and_released_only_when_asked(lab: ProxmoxLab) -> None:
    lab.as_root("POST", "/lab/guest", vmid=APPS, lock="backup")
    with pytest.raises(ErrorGroup) as caught:
        lab.up()
    assert caught.value.exit_code == ExitCode.SETUP_BROKEN
    assert "stale lock" in caught.value.errors[0].what
    lab.up(release_locks=True)
    assert "lock" not in lab.as_root("GET", f"/nodes/pve/lxc/{APPS}/config")


def test_a_template_that_arrives_damaged_is_refused(lab: ProxmoxLab) -> None:
    file, _ = lab_template()
    with pytest.raises(ProvisionError, match="checksum mismatch"):
        lab.node.api.upload("local", "vztmpl", file, "sha512", "0" * 128)


@pytest.mark.usefixtures("healed")
def test_a_damaged_template_on_the_node_is_seen_before_guests_are_made(lab: ProxmoxLab) -> None:
    remove_guests(lab.node, lab.clock)
    place = lab.root_of("pve") / "var/lib/vz/template/cache" / lab_template()[0].name
    good = place.read_bytes()
    place.write_bytes(good[:20])
    try:
        with pytest.raises(ErrorGroup) as caught:
            lab.up()
        assert caught.value.exit_code == ExitCode.SETUP_BROKEN
        assert "is not the pinned one" in caught.value.errors[0].what
    finally:
        place.write_bytes(good)


@pytest.mark.usefixtures("healed")
def test_a_full_storage_stops_the_run_before_anything_is_made(lab: ProxmoxLab) -> None:
    remove_guests(lab.node, lab.clock)
    lab.as_root("POST", "/lab/fail", free_bytes=2**30)
    with pytest.raises(ErrorGroup) as caught:
        lab.up()
    assert caught.value.exit_code == ExitCode.PLAN_IMPOSSIBLE
    assert "MiB of disk" in caught.value.errors[0].what
    assert lab.as_root("GET", "/nodes/pve/lxc") == []


FAULTS = {
    "secure-boot": ("Secure Boot is on", ExitCode.SETUP_BROKEN, "mokutil"),
    "vfio": ("bound to vfio-pci", ExitCode.SETUP_BROKEN, "update-initramfs"),
    "one-card": ("the plan has 2 cards, the node has 1", ExitCode.PLAN_IMPOSSIBLE, "reseat"),
}


@pytest.mark.usefixtures("healed")
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_the_node_stop_the_run(lab: ProxmoxLab, fault: str) -> None:
    what, code, hint = FAULTS[fault]
    inject_fault(CLIENT, "pve", fault)
    try:
        with pytest.raises(ErrorGroup) as caught:
            lab.up()
        found = [error for error in caught.value.errors if what in error.what]
        assert found, [error.what for error in caught.value.errors]
        assert found[0].exit_code == code
        assert hint in found[0].hint
    finally:
        inject_fault(CLIENT, "pve", "none")


def test_an_unattended_driver_upgrade_is_undone(lab: ProxmoxLab) -> None:
    """In the last part of the version: host and guests would not match. The engine is stopped meanwhile."""
    before = lab.prepare().node.driver
    inject_fault(CLIENT, "pve", "driver-upgraded")
    assert lab.prepare().node.driver != before
    lab.notes.clear()
    assert lab.up() >= 1
    assert lab.prepare().node.driver == before
    assert any("stopping guest" in note for note in lab.notes)
    assert lab.state_of("engine") == "RUNNING"


@pytest.mark.slow
def test_a_driver_that_does_not_build_is_taken_back(lab: ProxmoxLab) -> None:
    """Another version is pinned, and it does not build: the old one is back, the guests run, exit 6 says so."""
    before = lab.prepare().node.driver
    inject_fault(CLIENT, "pve", "driver-breaks")
    with pinned_driver("580.999.01"):
        with pytest.raises(RunError) as caught:
            lab.up()
        assert f"{before} is back and the guests run" in caught.value.what
        assert "580.999.01 failed" in caught.value.what
        assert lab.prepare().node.driver == before
        assert lab.state_of("engine") == "RUNNING"
        inject_fault(CLIENT, "pve", "none")
        assert lab.up() >= 1
        assert lab.prepare().node.driver == "580.999.01"
    assert lab.up() >= 1
    assert lab.prepare().node.driver == before


def test_a_driver_whose_guests_fail_verification_is_taken_back(
    lab: ProxmoxLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It builds and loads, the guests run on it, and a check fails: node and guests go back to the one before.

    The services' playbooks are tested elsewhere; here it is asked which driver they are given.
    """
    before = lab.prepare().node.driver
    given: list[str] = []
    monkeypatch.setattr(up, "prepare_inventory", lambda _w, _p, inputs: given.append(inputs.driver.version))
    monkeypatch.setattr(up, "converge", lambda *_: given.append("converged"))
    with pinned_driver("580.999.01"):
        brought = bring_node(lab.workspace, lab.prepare(), lab.clock, may_reboot=False)
        save_plan(lab.workspace, brought.ready.plan)
        ensure_guests(lab.workspace, brought.ready, lab.clock)
        assert (brought.former, brought.ready.node.driver) == (before, "580.999.01")
        machines = up._Machines(brought.ready.plan, InventoryInput(), 1, brought.ready, brought.former)
        failed = cast("Verified", SimpleNamespace(passed=False, receipt_file="receipt.json"))
        with pytest.raises(RunError) as caught:
            up._settle_driver(lab.workspace, machines, failed, lab.clock)
        assert caught.value.exit_code == ExitCode.RUN_FAILED
        assert f"580.999.01 failed (a check failed, see receipt.json); {before} is back" in caught.value.what
        assert lab.prepare().node.driver == before
        assert lab.state_of("engine") == "RUNNING"
        assert given == [before, "converged"]
        stat_of = lab.inside("engine", "stat", "-c", "%a %G", "/dev/nvidia0")
        assert stat_of.strip() == "660 video"
    assert lab.up() == 0
    assert DriverInput.model_validate_json(lab.workspace.driver_file.read_bytes()).version == before


@pytest.mark.slow
def test_a_driver_with_which_the_run_fails_is_taken_back(lab: ProxmoxLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, where not a check but the services' playbook fails; a receipt is made of what stands then."""
    before = lab.prepare().node.driver
    done: list[str] = []
    receipt = SimpleNamespace(verdict="pass")
    measured = SimpleNamespace(receipt_file="receipt.json", signed=SimpleNamespace(receipt=receipt))
    monkeypatch.setattr(up, "prepare_inventory", lambda _w, _p, inputs: done.append(inputs.driver.version))
    monkeypatch.setattr(up, "converge", lambda *_: done.append("converged"))
    monkeypatch.setattr(up, "verify_stack", lambda *_: measured)
    with pinned_driver("580.999.01"):
        brought = bring_node(lab.workspace, lab.prepare(), lab.clock, may_reboot=False)
        save_plan(lab.workspace, brought.ready.plan)
        ensure_guests(lab.workspace, brought.ready, lab.clock)
        machines = up._Machines(brought.ready.plan, InventoryInput(), 1, brought.ready, brought.former)
        failed = ErrorGroup([RunError("the engine does not start", where="engine", hint="log")])
        told = up._return_to_driver(lab.workspace, machines, brought.ready, failed, lab.clock)
        assert told.exit_code == ExitCode.RUN_FAILED
        assert f"580.999.01 failed (the engine does not start); {before} is back" in told.errors[0].what
        assert told.errors[-1].where == "receipt.json"
        assert lab.prepare().node.driver == before
        assert lab.state_of("engine") == "RUNNING"
        assert done == [before, "converged"]
    assert lab.up() == 0


@contextmanager
def pinned_driver(version: str) -> Iterator[None]:
    """A user's own pin; the lab's installer stands for it, so its checksum is never compared with a real file."""
    shipped = load_artifacts(None)["nvidia-driver"]
    own = json.loads(shipped.model_dump_json().replace(shipped.version, version))
    own["replaces"] = shipped.version
    overlay_file().write_text(json.dumps({"nvidia-driver": own}))
    try:
        yield
    finally:
        overlay_file().unlink()


@pytest.mark.usefixtures("healed")
def test_without_headers_the_driver_is_not_built_and_the_next_run_mends_it(lab: ProxmoxLab) -> None:
    inject_fault(CLIENT, "pve", "driver-gone")
    inject_fault(CLIENT, "pve", "no-headers")
    with pytest.raises(ErrorGroup) as caught:
        lab.up()
    assert caught.value.exit_code == ExitCode.RUN_FAILED
    inject_fault(CLIENT, "pve", "none")
    assert lab.up() >= 1
    assert lab.prepare().node.driver


ANSWERS = {
    401: ("authentication failure", SetupError, "provision token"),
    403: ("Permission check failed (/vms/42011, VM.PowerMgmt)", SetupError, "docs/privileges.md"),
    500: ("got lock request timeout", RunError, "task list"),
}


@pytest.mark.usefixtures("healed")
@pytest.mark.parametrize(
    "status", [pytest.param(status, marks=() if status == 401 else pytest.mark.slow) for status in ANSWERS]
)
def test_an_api_that_refuses_in_the_middle_is_told_and_the_next_run_goes_on(lab: ProxmoxLab, status: int) -> None:
    """The guests are made, then the start is refused: 401 is a token that expired in the middle of a run."""
    message, kind, hint = ANSWERS[status]
    remove_guests(lab.node, lab.clock)
    rule = {"method": "POST", "suffix": f"/lxc/{ENGINE}/status/start", "status": status, "message": message}
    lab.as_root("POST", "/lab/fail", rules=[rule])
    with pytest.raises(ErrorGroup) as caught:
        lab.up()
    (error,) = caught.value.errors
    assert isinstance(error, kind)
    assert message in error.what
    assert hint in error.hint
    lab.as_root("POST", "/lab/fail")
    lab.up()
    assert lab.state_of("engine") == "RUNNING"


def test_an_api_that_hangs_is_given_up(lab: ProxmoxLab) -> None:
    access, secret = lab.access, read_secrets(lab.workspace)[SECRET]
    hasty = ProxmoxNode(access.api_host, access.node, CLIENT, secret, Path(access.ca_file), timeout=0.5)
    lab.as_root("POST", "/lab/fail", hang=1)
    try:
        with pytest.raises(UnreachableError, match="did not answer within"):
            hasty.guests()
    finally:
        lab.stop_api()
        lab.start_api()


def test_a_token_that_is_gone_is_named_and_made_again_on_request(lab: ProxmoxLab) -> None:
    lab.as_root("POST", "/lab/pveum", what="remove-token", token=token_id(CLIENT))
    with pytest.raises(SetupError) as caught:
        lab.node.api.guests()
    assert "provision token" in caught.value.hint
    create_token(lab.workspace, lab.plan, lab.access)
    lab.node.api.guests()


@pytest.mark.usefixtures("healed")
def test_a_node_that_goes_away_in_the_middle_is_mended_by_the_next_run(lab: ProxmoxLab) -> None:
    """Made, and not all started; then neither API nor node answer."""
    remove_guests(lab.node, lab.clock)
    rule = {"method": "POST", "suffix": f"/lxc/{APPS}/status/start", "status": 500, "message": "shutting down"}
    lab.as_root("POST", "/lab/fail", rules=[rule])
    with pytest.raises(ErrorGroup, match="shutting down"):
        lab.up()
    lab.cut_power()
    lab.stop_api()
    with pytest.raises(UnreachableError, match="cannot be reached"):
        lab.node.api.guests()
    lab.up()
    assert all(lab.state_of(machine.name) == "RUNNING" for machine in lab.plan.machines)


def test_down_removes_the_tagged_guests_and_no_other(lab: ProxmoxLab) -> None:
    """The foreign ones have near names and ids, one even the general tag."""
    near = {
        42009: {"hostname": "engine2", "tags": "provision"},
        42019: {"hostname": "apps", "tags": "provision-t-prox"},
    }
    for vmid, config in near.items():
        lab.as_root("POST", "/lab/guest", vmid=vmid, config=config)
    removed = remove_guests(lab.node, lab.clock)
    assert set(removed) == {machine.name for machine in lab.plan.machines}
    assert {guest["vmid"] for guest in lab.as_root("GET", "/nodes/pve/lxc")} == set(near)
    for vmid in near:
        lab.as_root("DELETE", f"/nodes/pve/lxc/{vmid}")

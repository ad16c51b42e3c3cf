"""A rented host in the lab as far as its driver: the stages of a live one, on a guest that stands for it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.errors import ErrorGroup
from provision.lab.lab import destroy_lab
from provision.lab.places import container_name, guest_home, guests_home
from provision.models.events import Event, Note
from provision.models.plan import Plan
from provision.pipeline.clients import init_client
from provision.pipeline.lab import inject_fault
from provision.pipeline.machines import ensure_machines
from provision.pipeline.node_files import DRIVER, pinned
from provision.pipeline.node_stage import ReadyNode
from provision.pipeline.options import Options, open_chosen_workspace
from provision.pipeline.plain_host import bring_host, prepare_host
from provision.pipeline.planning import make_plan
from provision.pipeline.stages import StageClock
from provision.platforms.lab import IMAGE_DRIVERS
from tests.lab.lab_home import lab_home_folder
from tests.lab.proxmox_lab import until

pytestmark = pytest.mark.lab

NODES = {"/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-modeset", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools"}


class HostLab:
    """`up` as far as the machines: preflight, host, machines."""

    def __init__(self, profile: str, network: str) -> None:
        self.client = f"t-{profile.partition('-')[0]}"
        init_client(self.client, profile)
        options = Options(client=self.client, settings=(f"network.cidr={network}",), lab=True)
        planned = make_plan(options)
        self.plan: Plan = planned.plan
        self.profile = planned.loaded.profile
        self.workspace = open_chosen_workspace(options, self.client)
        self.notes: list[str] = []

    def prepare(self) -> ReadyNode:
        return prepare_host(self.plan, self.profile, StageClock(self._hear))

    def up(self) -> tuple[ReadyNode, int]:
        clock = StageClock(self._hear)
        ready, changed = bring_host(self.workspace, self.prepare(), clock, may_reboot=False)
        ensure_machines(self.plan, clock)
        return ready, changed

    def inside(self, *argv: str) -> str:
        return self._lxc("lxc-attach", "--", *argv)

    def restart(self) -> None:
        self._lxc("lxc-stop")
        self._lxc("lxc-start")

    @property
    def root(self) -> Path:
        return guest_home(self.client, "host") / "rootfs"

    def _lxc(self, command: str, *rest: str) -> str:
        place = ["-P", str(guests_home(self.client)), "-n", container_name(self.client, "host")]
        done = subprocess.run([command, *place, *rest], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _hear(self, event: Event) -> None:
        if isinstance(event, Note):
            self.notes.append(event.text)


def lab_of(profile: str, network: str) -> Iterator[HostLab]:
    with lab_home_folder():
        made = HostLab(profile, network)
        try:
            yield made
        finally:
            destroy_lab(made.client)


@pytest.fixture(scope="module")
def hetzner() -> Iterator[HostLab]:
    yield from lab_of("hetzner-rtx6000", "10.96.44.0/24")


@pytest.fixture(scope="module")
def scaleway() -> Iterator[HostLab]:
    yield from lab_of("scaleway-h100", "10.96.45.0/24")


def test_a_host_without_a_driver_gets_the_pinned_one_and_then_nothing_more(hetzner: HostLab) -> None:
    bare = hetzner.prepare().node
    assert (bare.driver, bare.device_nodes) == (None, ())
    ready, changed = hetzner.up()
    wanted = pinned(DRIVER).version
    assert changed > 0
    assert (ready.node.driver, ready.node.driver_noted) == (wanted, wanted)
    assert set(ready.node.device_nodes or ()) == NODES
    options = (hetzner.root / "opt/lab-node/installer-options").read_text().split()
    assert {"--silent", "--dkms", "--kernel-module-type=open"} <= set(options)
    assert wanted in (hetzner.root / "etc/provision-simgpu-module-version").read_text()
    again, changed = hetzner.up()
    assert changed == 0
    assert (again.node.device_nodes, again.node.installed) == (ready.node.device_nodes, ready.node.installed)


def test_the_device_nodes_are_there_after_a_restart_and_before_the_engine(hetzner: HostLab) -> None:
    hetzner.up()
    before = hetzner.inside("systemctl", "show", "-p", "Before", "--value", "provision-nvidia-devices.service").split()
    assert "llama-cpp@chat.service" in before
    hetzner.restart()
    listing = ("sh", "-c", "ls /dev/nvidia* 2>/dev/null || true")
    assert until(lambda: set(hetzner.inside(*listing).split()) == NODES, 60)
    assert until(lambda: hetzner.up()[1] == 0, 30)


def test_a_driver_of_the_image_is_left_as_it_is(scaleway: HostLab) -> None:
    for _ in range(2):
        ready, changed = scaleway.up()
        assert changed == 0
        assert (ready.node.driver, ready.node.driver_noted) == (IMAGE_DRIVERS["scaleway"], None)
        assert set(ready.node.device_nodes or ()) == NODES
    assert ready.node.driver != pinned(DRIVER).version
    assert f"NVIDIA driver {IMAGE_DRIVERS['scaleway']} was there already: it is left as it is" in scaleway.notes
    touched = ("opt/lab-node/installer-options", "var/lib/provision", "etc/systemd/system/nvidia-persistenced.service")
    assert not [path for path in touched if (scaleway.root / path).exists()]
    assert ready.node.held == ()


@pytest.mark.parametrize(
    ("fault", "words"),
    [("vfio", "vfio-pci"), ("one-card", "has 0"), ("secure-boot", "Secure Boot"), ("none", "")],
)
def test_what_is_wrong_with_a_host_stops_before_anything_is_changed(hetzner: HostLab, fault: str, words: str) -> None:
    hetzner.up()
    inject_fault(hetzner.client, "host", fault)
    if fault == "none":
        assert hetzner.up()[0].node.driver == pinned(DRIVER).version
        return
    with pytest.raises(ErrorGroup, match=words):
        hetzner.prepare()
    inject_fault(hetzner.client, "host", "none")

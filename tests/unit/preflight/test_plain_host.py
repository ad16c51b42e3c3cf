"""The same script and checks where the machine is a plain host: a rented server with a card."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from provision.inventory import render_inventory
from provision.inventory.node_vars import build_node_inventory
from provision.models.inventory import DriverInput, ModelFile
from provision.models.node import (
    CardHolder,
    HostDisk,
    HostListener,
    NodeAccess,
    NodeFinding,
    NodeLogin,
    NodeObservation,
    WholeDisk,
)
from provision.models.plan import Plan
from provision.models.profile import Engine
from provision.pipeline.options import Options
from provision.pipeline.plain_host import is_plain_host, wanted_driver
from provision.pipeline.planning import make_plan
from provision.places import find_content
from provision.preflight.check import HOST
from provision.preflight.checks import CHECKS
from provision.preflight.checks.host_scratch import LABEL
from provision.preflight.engine_drivers import CUDA_FLOORS, ENGINE_CUDA, FLOORS
from provision.preflight.judge import judge
from tests.unit.preflight.conftest import Observe
from tests.unit.preflight.written_nodes import SS, Release, WrittenNode, write_node
from tests.unit.scratch.program import load_program

DEBIAN_12 = Release("none", "6.1.0-28-amd64", "580.178.04", "linux-headers-amd64", "bookworm")
ADDRESS = "192.0.2.10"


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    given = ["network.cidr=192.0.2.0/24"]
    return make_plan(Options(profile="hetzner-rtx6000", settings=tuple(given))).plan


@pytest.fixture
def written(tmp_path: Path) -> WrittenNode:
    """Debian 12 with one card and a driver that somebody installed; no program of Proxmox."""
    node = write_node(tmp_path / "host", DEBIAN_12)
    for program in ("pveversion", "pvesm", "pveam", "pvesh"):
        (node.programs / program).unlink()
    return node


@pytest.fixture
def host(written: WrittenNode, observe: Observe) -> NodeObservation:
    seen = observe(written)
    card = (seen.cards or ())[0].model_copy(update={"model": "NVIDIA RTX 6000 Ada Generation"})
    return seen.model_copy(update={"cards": (card,), "disk": HostDisk(total_mib=900_000, free_mib=800_000)})


def found(plan: Plan, host: NodeObservation, *, mended: bool = False, **facts: Any) -> dict[str, NodeFinding]:
    return {one.check: one for one in judge(plan, host.model_copy(update=facts), mended=mended)}


def test_a_host_that_is_well_has_no_finding(plan: Plan, host: NodeObservation) -> None:
    assert found(plan, host) == {}
    assert is_plain_host(plan)


def test_nothing_of_proxmox_is_asked(plan: Plan, host: NodeObservation) -> None:
    assert host.pve is None
    assert "pve" in host.unread
    assert not {"proxmox", "storage", "template", "guests", "locks"} & set(found(plan, host, uid=1000))


def test_the_script_reads_what_a_plain_host_has(host: NodeObservation) -> None:
    assert host.distribution == "debian 12"
    assert host.driver == "580.178.04"
    assert host.foreign_driver
    assert host.listeners == (HostListener(port=22, address="0.0.0.0", process="sshd", unit="ssh.service"),)  # noqa: S104
    assert [holder.unit for holder in host.holders or ()] == ["nvidia-persistenced.service"]
    assert host.stands is False


def test_a_driver_of_ours_is_known_by_its_note(written: WrittenNode, observe: Observe) -> None:
    written.write("/var/lib/provision/nvidia/installed", "580.178.04\n")
    seen = observe(written)
    assert seen.driver_noted == "580.178.04"
    assert not seen.foreign_driver


def test_packages_that_bring_a_module_are_told_apart(written: WrittenNode, observe: Observe) -> None:
    names = ("nvidia-headless-580-server", "linux-modules-nvidia-580-generic", "nvidia-container-toolkit", "nvidia-smi")
    dpkg = ("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n")
    written.answer(dpkg, "".join(f"{name} installed\n" for name in names))
    assert observe(written).driver_packages == names[:2]


def test_a_driver_that_is_there_is_respected(plan: Plan, host: NodeObservation) -> None:
    assert wanted_driver(plan, host, may_reboot=True) is None
    # Not even what its headers or another kernel would need is asked: nothing is built.
    assert found(plan, host, kernels=(), header_packages=(), kernel="6.99.0-custom") == {}


def test_absent_it_is_installed(plan: Plan, host: NodeObservation) -> None:
    bare = host.model_copy(update={"driver": None, "dkms": (), "driver_packages": ()})
    driver = wanted_driver(plan, bare, may_reboot=False)
    assert driver is not None
    assert driver.installer.sha256
    assert "driver" in found(plan, bare)
    assert not {"driver", "host_driver"} & set(found(plan, bare, mended=True))


def test_one_that_is_installed_and_not_loaded_is_not_overwritten(plan: Plan, host: NodeObservation) -> None:
    finding = found(plan, host, driver=None, dkms=(), driver_packages=("nvidia-headless-580",), mended=True)[
        "host_driver"
    ]
    assert finding.severity == "error"
    assert "nvidia-headless-580" in finding.what


def test_too_old_for_the_engine_is_named_with_the_next_step(plan: Plan, host: NodeObservation) -> None:
    finding = found(plan, host, driver="550.163.01", mended=True)["host_driver"]
    assert finding.severity == "error"
    assert "550.163.01 is too old for llama_cpp, which needs 580" in finding.what
    assert "upgrade it the way it was installed" in finding.hint


@pytest.mark.parametrize(("driver", "good"), [("580.65.06", True), ("595.71.05", True), ("579.99", False)])
def test_the_floor_is_a_branch(plan: Plan, host: NodeObservation, driver: str, good: bool) -> None:
    assert ("host_driver" not in found(plan, host, driver=driver)) is good


def test_the_floor_is_that_of_the_locked_cuda() -> None:
    for engine, major in ENGINE_CUDA.items():
        locked = (find_content("roles") / engine / "files/recipe/cuda-requirements.txt").read_text()
        assert re.findall(r"^nvidia-cuda-runtime==(\d+)\.", locked, re.MULTILINE) == [str(major)]
        assert major in CUDA_FLOORS


@pytest.mark.parametrize(
    ("system", "words"),
    [("debian 13", "only the driver's part"), ("ubuntu 24.04", "the profile says debian 12"), ("fedora 43", "no role")],
)
def test_another_system(plan: Plan, host: NodeObservation, system: str, words: str) -> None:
    finding = found(plan, host, distribution=system)["host_system"]
    assert finding.severity == "error"
    assert words in finding.what


def test_a_system_that_the_profile_names_is_taken(plan: Plan, host: NodeObservation) -> None:
    ubuntu = plan.model_copy(update={"system": "ubuntu 24.04"})
    assert "host_system" not in found(ubuntu, host, distribution="ubuntu 24.04")
    assert "the profile says ubuntu 24.04" in found(ubuntu, host)["host_system"].what


def test_the_lab_says_nothing_of_the_profiles_memory_and_disk(plan: Plan, host: NodeObservation) -> None:
    small: dict[str, Any] = {"memory_mib": 4096, "disk": HostDisk(total_mib=9000, free_mib=8000)}
    assert "host_room" in found(plan, host, **small)
    assert "host_room" not in found(plan.model_copy(update={"target": "lab"}), host, **small)


@pytest.mark.parametrize(
    ("kernel", "following"),
    [
        ("6.1.0-28-amd64", "linux-headers-amd64"),
        ("6.1.0-28-cloud-amd64", "linux-headers-cloud-amd64"),
        ("6.12.48+deb13-amd64", "linux-headers-amd64"),
        ("6.12.9+bpo-amd64", "linux-headers-amd64"),
        ("6.8.0-48-generic", "linux-headers-generic"),
    ],
)
def test_headers_are_named_as_the_distribution_names_them(host: NodeObservation, kernel: str, following: str) -> None:
    seen = host.model_copy(update={"kernel": kernel})
    assert seen.distribution_headers == (f"linux-headers-{kernel}", following)


def test_a_kernel_of_ones_own_stops_an_installation(plan: Plan, host: NodeObservation) -> None:
    finding = found(plan, host, kernel="6.18.3", driver=None, dkms=(), mended=True)["host_driver"]
    assert "'6.18.3' is no kernel of Debian or Ubuntu" in finding.what


def test_a_port_that_somebody_has(plan: Plan, host: NodeObservation) -> None:
    taken = HostListener(port=443, address="0.0.0.0", process="nginx", unit="nginx.service")  # noqa: S104
    ours = HostListener(port=8081, address="127.0.0.1", process="llama-server", unit="llama-cpp@chat.service")
    finding = found(plan, host, listeners=(taken, ours))["host_network"]
    assert finding.what.endswith("is taken by nginx.service")
    assert "disable --now nginx.service" in finding.hint


def test_an_address_that_the_host_has_not(plan: Plan, host: NodeObservation) -> None:
    finding = found(plan, host, addresses=("127.0.0.1", "198.51.100.7"))["host_network"]
    assert f"{ADDRESS}, planned for 'host', is none of the host's: 198.51.100.7" in finding.what
    assert finding.concerns == "plan"


def test_who_holds_the_cards(plan: Plan, host: NodeObservation) -> None:
    ours = CardHolder(pid=9, name="llama-server", guest=None, unit="llama-cpp@chat.service")
    other = CardHolder(pid=10, name="python3", guest=None, unit="jupyter.service")
    assert "holders" not in found(plan, host, holders=(ours,))
    assert "'python3' (pid 10)" in found(plan, host, holders=(ours, other))["holders"].what


def test_room(plan: Plan, host: NodeObservation) -> None:
    full = HostDisk(total_mib=900_000, free_mib=10_000)
    assert "are free" in found(plan, host, disk=full)["host_room"].what
    assert "host_room" not in found(plan, host, disk=full, stands=True)
    assert "of memory" in found(plan, host, memory_mib=32_000)["host_room"].what


SCRATCH = "/dev/nvme0n1"
EMPTY = WholeDisk(path=SCRATCH, alias="/dev/disk/by-id/nvme-scratch", size_mib=2_861_588, holds=(), label=None)


def test_the_script_lists_whole_disks_and_what_is_on_them(host: NodeObservation) -> None:
    assert host.disks == (
        WholeDisk(path="/dev/sda", alias=None, size_mib=457_862, holds=("/dev/sda1", "gpt"), label=None),
    )


@pytest.mark.parametrize(
    ("disk", "words"),
    [
        (
            EMPTY.model_copy(update={"path": "/dev/nvme1n1"}),
            "is not there as a whole disk; empty ones: /dev/disk",
        ),
        (EMPTY.model_copy(update={"holds": ("ext4",), "label": "data"}), "is not empty: ext4"),
        (EMPTY.model_copy(update={"holds": ("ext4", "/dev/nvme0n1p1"), "label": LABEL}), "is not empty"),
        (EMPTY, ""),
        (EMPTY.model_copy(update={"path": "/dev/nvme1n1", "alias": SCRATCH}), ""),
        (EMPTY.model_copy(update={"holds": ("ext4", "mounted at /var/lib/provision-models"), "label": LABEL}), ""),
    ],
)
def test_a_scratch_disk_is_empty_or_ours(plan: Plan, host: NodeObservation, disk: WholeDisk, words: str) -> None:
    (machine,) = plan.machines
    using = plan.model_copy(update={"machines": (machine.model_copy(update={"scratch": SCRATCH}),)})
    finding = found(using, host, disks=(disk,)).get("host_scratch")
    assert (finding.severity, words in finding.what) == ("error", True) if finding else not words
    assert "not known" in found(using, host, disks=None)["host_scratch"].what


def test_an_empty_disk_that_nobody_uses_is_told_of(plan: Plan, host: NodeObservation) -> None:
    finding = found(plan, host, disks=(EMPTY,))["host_scratch"]
    assert finding.severity == "warning"
    assert "--set hardware.scratch=/dev/disk/by-id/nvme-scratch" in finding.hint


def test_the_label_is_that_of_the_role() -> None:
    assert load_program().LABEL == LABEL


def test_all_findings_come_at_once(plan: Plan, host: NodeObservation) -> None:
    many = found(plan, host, uid=1000, distribution="fedora 43", cards=(), driver="470.1", memory_mib=1, addresses=())
    assert {"login", "host_system", "cards", "host_driver", "host_room", "host_network"} <= set(many)
    assert all(one.where.startswith("host pve1") for one in many.values())


def test_headers_that_up_brings_are_told_by_doctor_alone(plan: Plan, host: NodeObservation) -> None:
    bare = host.model_copy(update={"driver": None, "dkms": (), "kernels": (), "header_packages": ()})
    assert "apt-get install linux-headers-amd64" in found(plan, bare)["host_headers"].hint
    assert "host_headers" not in found(plan, bare, mended=True)


def test_every_check_of_a_plain_host_was_broken_once() -> None:
    text = Path(__file__).read_text()
    assert all(f'"{check.id}"' in text for check in CHECKS if check.platforms == HOST)


def test_ss_lines_without_a_process(written: WrittenNode, observe: Observe) -> None:
    written.answer(SS, "LISTEN 0 128 [::]:443 [::]:* \n")
    assert observe(written).listeners == (HostListener(port=443, address="[::]", process=None, unit=None),)


def test_the_role_is_told_of_a_plain_host(plan: Plan, host: NodeObservation) -> None:
    login = NodeLogin(machine="gpu1", address=ADDRESS, port=22, user="root")
    access = NodeAccess(login=login, node="gpu1", api_host=ADDRESS, ca_file="")
    installer = ModelFile(file="x.run", url="https://example.org/x.run", sha256="0" * 64, size_mib=1)
    driver = DriverInput(version="580.178.04", installer=installer, may_reboot=False, shown_as="580.178.04")
    inventory = build_node_inventory(plan, access, host, driver)
    assert "nvidia_host_installer" in "".join(render_inventory(inventory).values())
    given = inventory.host_vars["gpu1"]
    assert given["provision_roles"] == ["nvidia_host"]
    assert "proxmox_node_guests" not in given
    headers = ["linux-headers-6.1.0-28-amd64", "linux-headers-amd64"]
    assert given["nvidia_host_packages"] == ["dkms", "gcc", "make", *headers]
    assert given["nvidia_host_held"] == []
    assert given["nvidia_host_back"] == "multi-user.target"
    assert given["nvidia_host_before"] == ["llama-cpp@chat.service"]
    assert not any("proxmox" in name or "linux" in name for name in given["nvidia_host_kept"])


def test_every_engine_has_a_floor() -> None:
    assert set(FLOORS) == set(get_args(Engine))

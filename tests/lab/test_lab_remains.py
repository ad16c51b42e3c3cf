"""Nothing of a lab is left: after destroy, and after a kill -9 of whoever was making it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from provision.lab.guest_config import veth_name
from provision.lab.lab import destroy_all_labs, destroy_lab, ensure_lab, list_labs
from provision.lab.network import bridge_name
from provision.lab.readiness import ssh_argv
from provision.lab.remains import is_zombie
from provision.lab.requirements import missing_requirements
from provision.lab.rootfs import ensure_rootfs
from provision.models.lab import LabGuest, LabSpec
from tests.lab.lab_home import lab_home_folder

pytestmark = [pytest.mark.lab, pytest.mark.skipif(bool(missing_requirements()), reason="no lab on this machine")]

NAME = "t-lab-gone"
NETWORK = IPv4Network("10.91.5.0/24")
SPEC = LabSpec(
    name=NAME, network=NETWORK, guests=tuple(LabGuest(name=f"g{n}", address=NETWORK[10 + n]) for n in (1, 2))
)
MAKE = "import sys; from provision.lab.lab import ensure_lab; from provision.models.lab import LabSpec\n"
MAKE += "ensure_lab(LabSpec.model_validate_json(sys.argv[1]), lambda line: print(line, flush=True))\n"
DESTROY = "import sys; from provision.lab.lab import destroy_lab; destroy_lab(sys.argv[1])\n"


@pytest.fixture
def home() -> Iterator[Path]:
    with lab_home_folder() as folder:
        try:
            yield folder
        finally:
            destroy_all_labs()


def links() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


def tables() -> set[str]:
    return set(
        subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout.splitlines()
    )


def mounts() -> set[str]:
    return set(Path("/proc/mounts").read_text().splitlines())


def processes_that_name(text: str) -> set[str]:
    """Command lines and control groups of this machine's processes that name the lab."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                told = (entry / "cmdline").read_bytes().decode(errors="replace") + (entry / "cgroup").read_text()
            except OSError:
                continue
            if text in told and not is_zombie(entry):
                found.add(f"{entry.name} {told[:200]}")
    return found


def cgroups_that_name(text: str) -> set[str]:
    return {
        str(Path(folder) / name) for folder, names, _ in os.walk("/sys/fs/cgroup") for name in names if text in name
    }


def is_foreign(link: str) -> bool:
    """Another lab's link: labs of other people may come and go on this machine meanwhile."""
    own = {bridge_name(NAME), *(veth_name(NAME, guest.name) for guest in SPEC.guests)}
    return link.startswith(("prov", "pv")) and link not in own


def assert_nothing_left(home: Path, links_before: set[str], mounts_before: set[str]) -> None:
    assert {link for link in links() - links_before if not is_foreign(link)} == set()
    assert not [table for table in tables() if NAME in table]
    assert not [mount for mount in mounts() - mounts_before if NAME in mount or str(home) in mount]
    assert processes_that_name(NAME) == set()
    assert cgroups_that_name(f".{NAME}.") == set()
    assert not list(Path("/run/provision-lab").glob(f"{NAME}*"))
    assert not (home / "labs" / NAME).exists()
    if not [table for table in tables() if " provision_" in table]:
        assert not Path("/run/provision-lab/ip_forward").exists()


def answers(index: int) -> bool:
    state = ensure_lab(SPEC)
    return subprocess.run(ssh_argv(state.hosts[index], "true"), timeout=30, check=False).returncode == 0


def test_destroy_leaves_nothing(home: Path) -> None:
    before = (links(), mounts())
    ensure_lab(SPEC)
    assert bridge_name(NAME) in links()
    assert processes_that_name(NAME)
    assert cgroups_that_name(f".{NAME}.")
    destroy_lab(NAME)
    assert_nothing_left(home, *before)
    assert list(home.iterdir()) == []
    destroy_lab(NAME)


def start(program: str, argument: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, argument], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def kill_after(process: subprocess.Popen[str], wanted: str, pause_s: float) -> None:
    """SIGKILL `pause_s` seconds after a line with `wanted`."""
    assert process.stdout is not None
    for line in process.stdout:
        if wanted in line:
            break
    time.sleep(pause_s)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()


MOMENTS = [("making", 0.0), ("making", 0.2), ("making", 0.6), ("starting", 0.0), ("starting", 0.1), ("starting", 0.5)]


@pytest.mark.parametrize(("line", "pause_s"), MOMENTS)
def test_killed_making_is_finished_by_the_next_and_destroyed_whole(home: Path, line: str, pause_s: float) -> None:
    ensure_rootfs()
    before = (links(), mounts())
    kill_after(start(MAKE, SPEC.model_dump_json()), line, pause_s)
    assert [lab.name for lab in list_labs()] == [NAME]
    assert answers(0)
    assert answers(1)
    destroy_lab(NAME)
    assert_nothing_left(home, *before)


@pytest.mark.parametrize(("line", "pause_s"), MOMENTS)
def test_killed_making_is_destroyed_whole(home: Path, line: str, pause_s: float) -> None:
    ensure_rootfs()
    before = (links(), mounts())
    kill_after(start(MAKE, SPEC.model_dump_json()), line, pause_s)
    destroy_lab(NAME)
    assert_nothing_left(home, *before)


@pytest.mark.parametrize("pause_s", [0.25, 0.4, 0.6])
def test_killed_destroying_is_finished_by_the_next(home: Path, pause_s: float) -> None:
    before = (links(), mounts())
    ensure_lab(SPEC)
    killed = start(DESTROY, NAME)
    time.sleep(pause_s)
    killed.kill()
    killed.communicate()
    destroy_lab(NAME)
    assert_nothing_left(home, *before)


@pytest.mark.parametrize(("line", "pause_s"), [("making", 0.3), ("starting", 0.2)])
def test_interrupt_ends_the_making_soon(home: Path, line: str, pause_s: float) -> None:
    before = (links(), mounts())
    maker = start(MAKE, SPEC.model_dump_json())
    assert maker.stdout is not None
    for told in maker.stdout:
        if line in told:
            break
    time.sleep(pause_s)
    interrupted = time.monotonic()
    maker.send_signal(signal.SIGINT)
    maker.communicate(timeout=20)
    assert time.monotonic() - interrupted < 10
    destroy_lab(NAME)
    assert_nothing_left(home, *before)


BUILD = "import sys; from provision.lab.rootfs import ensure_rootfs\n"
BUILD += "ensure_rootfs(lambda line: print(line, flush=True)); sys.exit(sys.argv[1])\n"


@pytest.mark.parametrize("pause_s", [1.0, 6.0])
def test_killed_rootfs_build_ends_with_its_processes_and_mounts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pause_s: float
) -> None:
    monkeypatch.setenv("PROVISION_CACHE", str(tmp_path))
    before = mounts()
    kill_after(start(BUILD, "unused"), "building", pause_s)
    deadline = time.monotonic() + 10
    while processes_that_name(str(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_that_name(str(tmp_path)) == set()
    assert not [mount for mount in mounts() - before if str(tmp_path) in mount]
    assert not list((tmp_path / "rootfs").glob("*.tar"))


def test_two_at_once_make_one_lab(home: Path) -> None:
    makers = [start(MAKE, SPEC.model_dump_json()) for _ in range(2)]
    told = [maker.communicate(timeout=120)[0] for maker in makers]
    assert [maker.returncode for maker in makers] == [0, 0]
    assert sorted(text.strip().splitlines()[-1] for text in told) == [
        f"lab {NAME}: 2 guests ready, 0 of them started now",
        f"lab {NAME}: 2 guests ready, 2 of them started now",
    ]
    assert home.exists()

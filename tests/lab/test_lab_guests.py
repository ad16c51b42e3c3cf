"""Real guests of this machine: strict host keys, user namespace, systemd, NAT, isolation, idempotence, refusals."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from provision.lab.guest import is_running, stop_guest
from provision.lab.lab import destroy_lab, ensure_lab, list_labs, read_lab
from provision.lab.network import NetworkTakenError, bridge_address, bridge_name
from provision.lab.readiness import ssh_argv
from provision.lab.requirements import missing_requirements
from provision.models.lab import LabGuest, LabHost, LabSpec, LabState, SimulatedGpu
from tests.lab.lab_home import lab_home_folder

pytestmark = [pytest.mark.lab, pytest.mark.skipif(bool(missing_requirements()), reason="no lab on this machine")]

CARD = SimulatedGpu(index=0, name="a card", uuid="GPU-0", pci_address="00000000:01:00.0", memory_mib=24564)


def spec_of(name: str, network: str, *guests: LabGuest) -> LabSpec:
    return LabSpec(name=name, network=IPv4Network(network), guests=guests)


def guest(name: str, address: str, **fields: object) -> LabGuest:
    return LabGuest.model_validate({"name": name, "address": address, **fields})


ONE = spec_of(
    "t-lab-one", "10.91.1.0/24",
    guest("a", "10.91.1.10", gpus=(CARD,), memory_mib=700), guest("b", "10.91.1.11"),
)  # fmt: skip
TWO = spec_of("t-lab-two", "10.91.2.0/24", guest("a", "10.91.2.10"))


@pytest.fixture(scope="module")
def labs() -> Iterator[tuple[LabState, LabState]]:
    """Two labs side by side, made at the same time."""
    with lab_home_folder(), ThreadPoolExecutor() as pool:
        try:
            one, two = pool.map(ensure_lab, (ONE, TWO))
            yield one, two
        finally:
            destroy_lab(ONE.name)
            destroy_lab(TWO.name)


def tell(host: LabHost, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    argv = ssh_argv(host, command)
    return subprocess.run(
        [argv[0], *options, *argv[1:]],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def out(host: LabHost, command: str) -> str:
    done = tell(host, command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_strict_host_keys_hold_and_a_wrong_key_is_refused(labs: tuple[LabState, LabState], tmp_path: Path) -> None:
    a, b = labs[0].hosts
    assert out(a, "hostname") == "a"
    wrong = tmp_path / "known_hosts"
    lines = Path(a.known_hosts).read_text().splitlines()
    wrong.write_text(f"{a.address} {lines[1].split(' ', 1)[1]}\n")
    refused = tell(a.model_copy(update={"known_hosts": str(wrong)}), "true")
    assert refused.returncode == 255
    assert "Host key verification failed" in refused.stderr
    assert out(b, "hostname") == "b"


def test_keys_are_closed_to_others(labs: tuple[LabState, LabState]) -> None:
    assert Path(labs[0].hosts[0].private_key).stat().st_mode & 0o077 == 0
    assert out(labs[0].hosts[0], "stat -c %a /etc/ssh/ssh_host_ed25519_key") == "600"


def test_root_of_a_guest_is_an_ordinary_user_of_this_machine(labs: tuple[LabState, LabState]) -> None:
    for host in (*labs[0].hosts, *labs[1].hosts):
        assert out(host, "cat /proc/self/uid_map").split() == ["0", "100000", "65536"]
        assert tell(host, "mknod /root/x c 1 3").returncode != 0


def test_systemd_runs_with_nothing_failed(labs: tuple[LabState, LabState]) -> None:
    for host in labs[0].hosts:
        assert out(host, "systemctl is-system-running") == "running"
        assert out(host, "systemctl --failed --no-legend --plain") == ""


def test_setuid_bits_survive_the_shift(labs: tuple[LabState, LabState]) -> None:
    assert out(labs[0].hosts[0], "stat -c '%a %U' /usr/bin/sudo") == "4755 root"
    assert out(labs[0].hosts[0], "setpriv --reuid=nobody --clear-groups sudo -n true; echo $?") == "1"


def test_guests_know_each_other_by_name_and_reach_each_other(labs: tuple[LabState, LabState]) -> None:
    greeting = "exec 3<>/dev/tcp/b/22; head -c 7 <&3"
    assert out(labs[0].hosts[0], f"timeout 5 bash -c '{greeting}'") == "SSH-2.0"


def test_two_labs_do_not_reach_each_other(labs: tuple[LabState, LabState]) -> None:
    one, two = labs[0].hosts[0], labs[1].hosts[0]
    for here, there in ((one, two), (two, one)):
        reached = tell(here, f"timeout 3 bash -c 'exec 3<>/dev/tcp/{there.address}/22'")
        assert reached.returncode == 124, "a dropped connection runs into the time limit"


def test_packages_can_be_had_through_nat(labs: tuple[LabState, LabState]) -> None:
    assert "Setting up zip" in out(labs[1].hosts[0], "apt-get update -q && apt-get install -yq zip")


def test_memory_limit_is_the_guests(labs: tuple[LabState, LabState]) -> None:
    hungry = "python3 -c \"x = b'a' * (900 * 2**20)\""
    assert tell(labs[0].hosts[0], hungry).returncode != 0
    assert tell(labs[0].hosts[1], hungry).returncode == 0


def test_card_nodes_are_there_for_root_and_video_only(labs: tuple[LabState, LabState]) -> None:
    a, b = labs[0].hosts
    assert out(a, "stat -c '%U:%G %a %F' /dev/nvidia0") == "root:video 660 character special file"
    nodes = ["nvidia-modeset", "nvidia-uvm", "nvidia-uvm-tools", "nvidia0", "nvidiactl"]
    assert sorted(out(a, "cd /dev; echo nvidia*").split()) == nodes
    assert "No such device or address" in out(a, "cat /dev/nvidia0 2>&1; true")
    assert "Permission denied" in out(a, "setpriv --reuid=nobody --clear-groups cat /dev/nvidia0 2>&1; true")
    member = "setpriv --reuid=nobody --regid=video --clear-groups cat /dev/nvidia0 2>&1; true"
    assert "No such device or address" in out(a, member)
    assert tell(b, "ls /dev/nvidia0").returncode != 0


def test_hardened_units_work(labs: tuple[LabState, LabState]) -> None:
    strict = "ProtectSystem=strict ProtectProc=invisible PrivateDevices=yes PrivateTmp=yes ProtectKernelTunables=yes"
    properties = " ".join(f"-p {option}" for option in (*strict.split(), "DynamicUser=yes", "ProtectHome=yes"))
    assert out(labs[0].hosts[1], f"systemd-run -q --wait --pipe {properties} id -u") != "0"


def boot_ids(state: LabState) -> list[str]:
    return [out(host, "cat /proc/sys/kernel/random/boot_id; stat -c %Y /proc/1") for host in state.hosts]


def test_second_ensure_leaves_running_guests_alone(labs: tuple[LabState, LabState]) -> None:
    before = boot_ids(labs[0])
    said: list[str] = []
    assert ensure_lab(ONE, said.append) == labs[0]
    assert boot_ids(labs[0]) == before
    assert said == ["lab t-lab-one: 2 guests ready, 0 of them started now"]


def test_running_guest_with_a_failed_unit_is_kept(labs: tuple[LabState, LabState]) -> None:
    b = labs[0].hosts[1]
    tell(b, "systemd-run -q --wait -u broken false")
    assert tell(b, "systemctl is-system-running").stdout.strip() == "degraded"
    before = boot_ids(labs[0])
    ensure_lab(ONE)
    assert boot_ids(labs[0]) == before


def test_stopped_guest_is_started_with_its_files(labs: tuple[LabState, LabState]) -> None:
    a, b = labs[0].hosts
    before = boot_ids(labs[0])
    out(b, "echo kept > /root/kept; sync")
    stop_guest(ONE.name, "b")
    assert not is_running(ONE.name, "b")
    ensure_lab(ONE)
    assert out(b, "cat /root/kept") == "kept"
    after = boot_ids(labs[0])
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert out(a, "hostname") == "a"


def test_the_gateway_keeps_its_hardware_address_whoever_comes_or_goes(labs: tuple[LabState, LabState]) -> None:
    """Every guest's ARP entry of it stays true; 02 is a locally administered address."""
    for lab in labs:
        address = Path("/sys/class/net", lab.bridge, "address").read_text().strip()
        assert address == bridge_address(lab.name)
        assert address.startswith("02:")


def test_bridge_taken_away_is_mended_without_a_restart(labs: tuple[LabState, LabState]) -> None:
    before = boot_ids(labs[0])
    subprocess.run(["ip", "link", "delete", "dev", labs[0].bridge], check=True)
    subprocess.run(["nft", "delete", "table", "ip", f"provision_{ONE.name}"], check=True)
    ensure_lab(ONE)
    assert boot_ids(labs[0]) == before
    greeting = "exec 3<>/dev/tcp/b/22; head -c 7 <&3"
    assert out(labs[0].hosts[0], f"timeout 5 bash -c '{greeting}'") == "SSH-2.0"


def test_labs_are_listed_and_read(labs: tuple[LabState, LabState]) -> None:
    assert list_labs() == labs
    assert read_lab(ONE.name) == labs[0]


@pytest.mark.usefixtures("labs")
def test_changed_guest_is_made_anew_and_a_dropped_one_goes() -> None:
    changed = spec_of(TWO.name, str(TWO.network), guest("a", "10.91.2.20"), guest("c", "10.91.2.21"))
    state = ensure_lab(changed)
    assert [out(host, "hostname -I") for host in state.hosts] == ["10.91.2.20", "10.91.2.21"]
    back = ensure_lab(TWO)
    assert [host.address for host in back.hosts] == [IPv4Address("10.91.2.10")]
    assert tell(state.hosts[1], "true", "-o", "ConnectTimeout=2").returncode == 255


@pytest.mark.usefixtures("labs")
def test_network_in_use_is_refused_and_nothing_is_made() -> None:
    for taken in ("10.91.1.0/28", "10.91.0.0/22"):
        network = IPv4Network(taken)
        with pytest.raises(NetworkTakenError) as refused:
            ensure_lab(spec_of("t-lab-late", taken, guest("a", str(network[5]))))
        assert refused.value.hint
    with pytest.raises(NetworkTakenError):
        ensure_lab(spec_of("t-lab-late", default_network(), guest("a", str(IPv4Network(default_network())[200]))))
    assert subprocess.run(
        ["ip", "link", "show", bridge_name("t-lab-late")], capture_output=True, check=False
    ).returncode
    destroy_lab("t-lab-late")


def default_network() -> str:
    """The network of this machine's own way out."""
    listed = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True, check=True).stdout.splitlines()
    device = next(line.split()[line.split().index("dev") + 1] for line in listed if line.startswith("default"))
    return next(line.split()[0] for line in listed if f"dev {device} " in line and "/" in line.split()[0])

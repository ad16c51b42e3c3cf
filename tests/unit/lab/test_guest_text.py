"""What is written for a guest: LXC configuration, hosts, environment, resolver, certificates, device numbers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from provision.errors import SetupError
from provision.lab import guest_config
from provision.lab.authorities import extra_certificates
from provision.lab.devices import node_numbers, taken_majors
from provision.lab.guest_config import render_config, veth_name
from provision.lab.guest_files import environment_file, hosts_file
from provision.lab.resolver import guest_resolv_conf
from provision.models.lab import LabGuest, LabMount, LabSpec


def spec_of(guest: LabGuest) -> LabSpec:
    return LabSpec(name="one", network=IPv4Network("10.91.3.0/24"), guests=(guest,))


def config_of(**fields: object) -> list[str]:
    guest = LabGuest.model_validate({"name": "web", "address": "10.91.3.10", **fields})
    return render_config(spec_of(guest), guest, []).splitlines()


def test_guest_is_unprivileged_with_its_static_address() -> None:
    lines = config_of()
    assert "lxc.idmap = u 0 100000 65536" in lines
    assert "lxc.idmap = g 0 100000 65536" in lines
    assert "lxc.net.0.ipv4.address = 10.91.3.10/24" in lines
    assert "lxc.net.0.ipv4.gateway = 10.91.3.1" in lines
    assert not [line for line in lines if "cgroup" in line or "mount.entry" in line]


@pytest.mark.parametrize(
    ("unified", "memory", "cpu"),
    [
        (True, "lxc.cgroup2.memory.max = 512M", "lxc.cgroup2.cpu.max = 200000 100000"),
        (False, "lxc.cgroup.memory.limit_in_bytes = 512M", "lxc.cgroup.cpu.cfs_quota_us = 200000"),
    ],
)
def test_limits_follow_the_hosts_control_groups(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unified: bool, memory: str, cpu: str
) -> None:
    marker = tmp_path / "cgroup.controllers"
    if unified:
        marker.touch()
    monkeypatch.setattr(guest_config, "UNIFIED_CGROUPS", marker)
    lines = config_of(memory_mib=512, cores=2)
    assert memory in lines
    assert cpu in lines


def test_mounts_are_read_only_and_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    folder.mkdir()
    lines = config_of(mounts=(LabMount(path=str(folder)),))
    escaped = str(folder).replace(" ", "\\040")
    assert f"lxc.mount.entry = {escaped} {escaped.lstrip('/')} none ro,bind,create=dir 0 0" in lines


def test_device_nodes_keep_their_names() -> None:
    guest = LabGuest(name="web", address=IPv4Address("10.91.3.10"))
    text = render_config(spec_of(guest), guest, [Path("/x/devices/nvidia0")])
    assert "lxc.mount.entry = /x/devices/nvidia0 dev/nvidia0 none bind,create=file 0 0" in text.splitlines()


def test_cable_names_fit_and_differ() -> None:
    names = {veth_name("one", "web"), veth_name("one", "db"), veth_name("two", "web")}
    assert len(names) == 3
    assert all(len(name) <= 15 for name in names)


def test_hosts_file_names_every_guest_once() -> None:
    peers = {"web": IPv4Address("10.91.3.10"), "db": IPv4Address("10.91.3.11")}
    lines = hosts_file("web", peers).splitlines()
    assert lines[0] == "127.0.0.1 localhost"
    assert lines.count("10.91.3.10 web") == 1
    assert "10.91.3.11 db" in lines


def test_environment_file_is_plain_assignments() -> None:
    assert environment_file({"B": "2", "A": "1"}).splitlines()[1:] == ["A=1", "B=2"]


def test_resolver_leaves_the_hosts_loopback_out(tmp_path: Path) -> None:
    stub, real = tmp_path / "stub", tmp_path / "real"
    stub.write_text("nameserver 127.0.0.53\noptions edns0\nsearch example\n")
    real.write_text("# servers\nnameserver ::1\nnameserver 192.0.2.1\nnameserver nonsense\n")
    assert guest_resolv_conf((stub, real)) == "nameserver 192.0.2.1\n"


def test_no_reachable_resolver_is_refused(tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    stub.write_text("nameserver 127.0.0.53\n")
    with pytest.raises(SetupError, match="no name server"):
        guest_resolv_conf((stub, tmp_path / "absent"))


def pem(body: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"


def test_only_certificates_that_the_guest_lacks_are_carried() -> None:
    guest = f"{pem('AAAA')}\n{pem('BBBB')}\n"
    hosts = (f"# comment\n{pem('AA' + chr(10) + 'AA')}\n{pem('CCCC')}\n", pem("CCCC") + pem("DDDD"))
    assert extra_certificates(hosts, guest) == (pem("CCCC"), pem("DDDD"))


def test_card_nodes_have_the_drivers_numbers() -> None:
    assert node_numbers(2, frozenset({1, 5})) == {
        "nvidia0": (195, 0),
        "nvidia1": (195, 1),
        "nvidiactl": (195, 255),
        "nvidia-modeset": (195, 254),
        "nvidia-uvm": (511, 0),
        "nvidia-uvm-tools": (511, 1),
    }


def test_a_simulated_card_never_has_a_real_drivers_number() -> None:
    taken = frozenset({195, 511, 510})
    majors = {major for major, _ in node_numbers(1, taken).values()}
    assert len(majors) == 2
    assert not majors & taken


def test_majors_are_read_from_the_char_devices_only(tmp_path: Path) -> None:
    listing = tmp_path / "devices"
    listing.write_text("Character devices:\n  1 mem\n195 nvidia\n\nBlock devices:\n254 virtblk\n")
    assert taken_majors(listing) == {1, 195}

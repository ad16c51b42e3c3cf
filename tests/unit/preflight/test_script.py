"""The script that runs on the node: it reads the written nodes whole, names what is missing, and changes nothing."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provision.models.node import NodeObservation, parse_node
from provision.pipeline.node import node_script
from provision.preflight.script import reading
from tests.unit.preflight.conftest import Observe, document
from tests.unit.preflight.written_nodes import LSBLK, WrittenNode

SCRIPT = Path(__file__).resolve().parents[3] / "provision" / "preflight" / "script"
JSON = ("--output-format", "json")
ALLOWED = {
    ("pveversion", "-v"),
    ("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"),
    *{("apt-cache", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "pkgnames", "proxmox-headers-")},
    ("mokutil", "--sb-state"),
    ("mokutil", "--test-key", "/var/lib/dkms/mok.pub"),
    ("dkms", "status"),
    ("ip", "-json", "-4", "address", "show"),
    ("timedatectl", "show", "--property=NTPSynchronized", "--value"),
    ("apt-config", "dump"),
    ("apt-mark", "showhold"),
    ("ss", "-H", "-t", "-l", "-n", "-p"),
    LSBLK,
    ("pvesm", "status"),
    ("pvesm", "status", "--content", "rootdir"),
    ("pvesm", "status", "--content", "vztmpl"),
    ("pvesm", "status", "--content", "images"),
    ("pvesm", "status", "--content", "import"),
    ("pveam", "list", "local"),
    ("pvesh", "get", "/cluster/resources", "--type", "vm", *JSON),
    ("pvesh", "get", "/nodes/localhost/tasks", "--source", "active", *JSON),
    ("pvesh", "get", "/nodes/localhost/subscription", *JSON),
}
"""Every command that the script may start on a node; none of them changes anything there."""
HARMFUL = {
    *("write", "write_text", "write_bytes", "open", "mkdir", "touch", "unlink", "rmdir", "rename", "replace_with"),
    *(
        "symlink_to",
        "hardlink_to",
        "chmod",
        "chown",
        "remove",
        "makedirs",
        "system",
        "popen",
        "Popen",
        "execv",
        "execvp",
    ),
    *("kill", "call", "check_call", "check_output", "truncate", "setxattr", "utime", "mknod", "link", "symlink"),
}
STANDARD = {"__future__", "hashlib", "json", "os", "re", "subprocess", "pathlib", "typing", "collections.abc"}


def trees() -> dict[str, ast.Module]:
    return {path.name: ast.parse(path.read_text()) for path in SCRIPT.glob("*.py")}


def test_every_command_it_starts_is_on_the_list(
    pve9: WrittenNode, observe: Observe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a node where every branch is taken: EFI without the variable, a signing key, unattended-upgrades."""
    (pve9.root / "sys/firmware/efi").mkdir(parents=True)
    pve9.write("/var/lib/dkms/mok.pub", "")
    pve9.write("/usr/bin/unattended-upgrade", "")
    started: set[tuple[str, ...]] = set()
    real = subprocess.run

    def record(argv: tuple[str, ...], **rest: Any) -> subprocess.CompletedProcess[str]:
        assert not rest.get("shell")
        assert rest["timeout"] == reading.TIMEOUT_S
        started.add(tuple(argv))
        return real(argv, **rest)

    monkeypatch.setattr(subprocess, "run", record)
    observe(pve9)
    assert started == ALLOWED


def test_a_storage_cannot_become_an_option(
    pve9: WrittenNode, observe: Observe, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = "--remove             dir     active        98497780         5105720        88342512    5.18%\n"
    pve9.answer(("pvesm", "status", "--content", "vztmpl"), "Name\n" + row)
    assert observe(pve9).templates == ()


def test_the_script_has_no_way_to_change_anything() -> None:
    starts = []
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                assert node.attr not in HARMFUL, f"{name}:{node.lineno} {node.attr}"
                starts += [name] * (ast.unparse(node) == "subprocess.run")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"open", "exec", "eval", "__import__"}, f"{name}:{node.lineno}"
                if node.func.id in {"run", "run_json"} and name != "reading.py":
                    assert isinstance(node.args[0], ast.Constant), f"{name}:{node.lineno} the program is not fixed"
                    assert node.args[0].value in {argv[0] for argv in ALLOWED}
    assert starts == ["reading.py"]


def test_it_needs_nothing_but_the_standard_library() -> None:
    for name, tree in trees().items():
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert all(m in STANDARD or m.startswith("provision.preflight.script") for m in modules), name
        ast.parse((SCRIPT / name).read_text(), feature_version=(3, 9))


def test_a_proxmox_9_node(pve9: WrittenNode, observe: Observe) -> None:
    node = observe(pve9)
    assert node.unread == {}
    assert (node.node, node.uid, node.pve, node.driver) == ("pve1", 0, "9.1.1", "595.71.05")
    assert [(kernel.release, kernel.headers) for kernel in node.kernels or ()] == [("6.17.2-1-pve", True)]
    assert node.modules == ("nvidia", "nvidia_uvm")
    assert node.blacklisted == ("nouveau",)
    assert [(card.address, card.device, card.driver) for card in node.cards or ()] == [
        ("0000:01:00.0", "10de:2684", "nvidia"),
        ("0000:41:00.0", "10de:2684", "nvidia"),
    ]
    assert {card.model for card in node.cards or ()} == {"NVIDIA GeForce RTX 4090"}
    assert (node.cards or ())[1].uuid == "GPU-00000001-1111-2222-3333-444444444444"
    assert "/dev/nvidia-caps/nvidia-cap1" in (node.device_nodes or ())
    assert [(m.name, m.version, m.kernel, m.state) for m in node.dkms or ()] == [
        ("nvidia", "595.71.05", "6.17.2-1-pve", "installed")
    ]
    assert node.memory_mib == 131713448 // 1024
    assert [(s.name, s.active, s.available_mib, s.rootdir, s.vztmpl) for s in node.storages or ()] == [
        ("local", True, 88342512 // 1024, False, True),
        ("local-lvm", True, 1796344320 // 1024, True, False),
    ]
    assert node.templates == ("local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst",)
    assert [(s.uri, s.components) for s in node.repositories or ()] == [
        ("http://download.proxmox.com/debian/pve", ("pve-no-subscription",))
    ]
    assert (node.clock_synchronised, node.subscription, node.addresses) == (True, "notfound", ("192.0.2.10",))
    assert [(holder.pid, holder.name, holder.guest) for holder in node.holders or ()] == [
        (812, "nvidia-persiste", None)
    ]


def test_guests_show_their_addresses_and_no_secret(
    pve9: WrittenNode, observe: Observe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot's address and lock are not the guest's."""
    dns, win = observe(pve9).guests or ()
    assert (dns.id, dns.kind, dns.addresses, dns.lock, dns.memory_mib) == (100, "lxc", ("192.0.2.53",), None, 1024)
    assert (win.kind, win.addresses, win.passed_through) == ("qemu", (), ())
    assert "secret" not in document(pve9, monkeypatch)


def test_a_proxmox_8_node(pve8: WrittenNode, observe: Observe) -> None:
    node = observe(pve8)
    assert (node.unread, node.pve, node.driver) == ({}, "8.4.19", "550.163.01")
    assert [source.file for source in node.repositories or ()] == [
        "/etc/apt/sources.list",
        "/etc/apt/sources.list.d/pve.list",
    ]
    assert (node.repositories or ())[0].components == ("main", "contrib")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22\n", "550.54.14"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.142  Release Build\n", "580.142"),
    ],
)
def test_both_forms_of_the_driver_version(text: str, version: str, pve9: WrittenNode, observe: Observe) -> None:
    pve9.write("/proc/driver/nvidia/version", text)
    assert observe(pve9).driver == version


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("nvidia/580.142: added\n", ("580.142", None, "added")),
        ("nvidia-current-open/550.163.01, 6.17.2-1-pve, x86_64: built\n", ("550.163.01", "6.17.2-1-pve", "built")),
        ("nvidia, 460.73.01, 5.4.203-1-pve, x86_64: installed\n", ("460.73.01", "5.4.203-1-pve", "installed")),
        ("nvidia/580.142, 6.8.12-1-pve, x86_64: installed (WARNING! Diff)\n", ("580.142", "6.8.12-1-pve", "installed")),
    ],
)
def test_dkms_lines(line: str, read: tuple[str, str | None, str], pve9: WrittenNode, observe: Observe) -> None:
    pve9.answer(("dkms", "status"), line)
    assert [(m.version, m.kernel, m.state) for m in observe(pve9).dkms or ()] == [read]


@pytest.mark.parametrize(("byte", "on"), [(b"\x01", True), (b"\x00", False)])
def test_secure_boot_from_the_variable(byte: bytes, on: bool, pve9: WrittenNode, observe: Observe) -> None:
    variable = pve9.root / "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    variable.parent.mkdir(parents=True)
    variable.write_bytes(b"\x06\x00\x00\x00" + byte)
    assert observe(pve9).secure_boot is on


@pytest.mark.parametrize(
    ("said", "code", "read"),
    [
        ("/var/lib/dkms/mok.pub is already enrolled\n", 1, "enrolled"),
        ("/var/lib/dkms/mok.pub is not enrolled\n", 0, "not enrolled"),
        ("something else\n", 0, None),
    ],
)
def test_the_signing_key(said: str, code: int, read: str | None, pve9: WrittenNode, observe: Observe) -> None:
    pve9.write("/var/lib/dkms/mok.pub", "")
    pve9.answer(("mokutil", "--test-key", "/var/lib/dkms/mok.pub"), said, code)
    node = observe(pve9)
    assert node.signing_key == read
    assert ("signing_key" in node.unread) is (read is None)


def test_a_command_that_fails_is_named_and_the_rest_goes_on(pve9: WrittenNode, observe: Observe) -> None:
    pve9.answer(("pvesm", "status"), "", 255)
    (pve9.programs / "dkms").unlink()
    node = observe(pve9)
    assert node.storages is None
    assert node.dkms is None
    assert set(node.unread) == {"storages", "dkms"}
    assert "'pvesm status' ended with 255" in node.unread["storages"]
    assert "dkms" in node.unread["dkms"]
    assert node.guests


def test_a_guest_whose_configuration_is_hidden(pve9: WrittenNode, observe: Observe) -> None:
    (pve9.root / "etc/pve/nodes/pve1/lxc/100.conf").unlink()
    node = observe(pve9)
    assert "100.conf" in node.unread["guest_configs"]
    assert [guest.id for guest in node.guests or ()] == [100, 900]


def test_an_unattended_upgrade_and_a_pin(pve9: WrittenNode, observe: Observe) -> None:
    pve9.write("/usr/bin/unattended-upgrade", "")
    pve9.write("/etc/kernel/proxmox-boot-pin", "6.17.2-1-pve\n")
    pve9.answer(
        ("apt-config", "dump"),
        'APT::Periodic::Unattended-Upgrade "1";\nUnattended-Upgrade::Package-Blacklist:: "nvidia";\n',
    )
    node = observe(pve9)
    assert node.unattended is not None
    assert (node.unattended.enabled, node.unattended.blacklist) == (True, ("nvidia",))
    assert node.pinned_kernel == "6.17.2-1-pve"


def test_the_text_that_is_sent_runs_here_and_names_what_is_missing() -> None:
    """This machine is no Proxmox node: a whole document all the same, with its programs named as missing."""
    done = subprocess.run(
        [sys.executable, "-I", "-"], input=node_script(), capture_output=True, text=True, timeout=120, check=True
    )
    node: NodeObservation = parse_node(done.stdout)
    assert node.pve is None
    for fact, program in {"pve": "pveversion", "storages": "pvesm", "templates": "pvesm", "guests": "pvesh"}.items():
        assert node.unread[fact] == f"the command {program} is missing"
    assert {"tasks", "subscription"} <= set(node.unread)
    nothing = {name for name, value in json.loads(done.stdout).items() if value is None}
    assert nothing - set(node.unread) <= {"driver", "driver_noted", "pinned_kernel"}, (
        "a fact is missing and nobody says why"
    )

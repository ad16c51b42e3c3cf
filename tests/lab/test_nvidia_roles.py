"""nvidia_host and nvidia_guest where a node is not as they want it: nouveau, modules in use, installers that fail.

What a node without any trouble is left with is shown by their Molecule scenarios.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from provision.inventory.connect_vars import connect_vars
from provision.lab.hosts import ensure_hosts
from provision.lab.lab import destroy_lab
from provision.lab.readiness import ssh_argv
from provision.models.lab import LabHost
from tests.lab.lab_home import lab_home_folder
from tests.lab.nvidia_stand_ins import INSTALLER, KERNEL, PROGRAMS

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
LAB = "t-nvidia-roles"
OLD, NEW = "580.1.2", "580.1.3"
OPTIONS = (
    "--silent --dkms --kernel-module-type=open --allow-installation-with-running-driver "
    "--no-x-check --no-nouveau-check --no-backup"
)


class Node:
    """A plain guest with stand-ins, and the roles run on it."""

    def __init__(self, host: LabHost, folder: Path) -> None:
        self.host = host
        login = connect_vars(str(host.address), host.port, host.user, host.private_key, host.known_hosts)
        self.inventory = folder / "hosts.json"
        self.inventory.write_text(json.dumps({"node": {"hosts": {"h1": login}}}))
        for name, script in PROGRAMS.items():
            self.write(f"/usr/local/sbin/{name}", f"#!/bin/sh\n{script}\n")
        for version in (OLD, NEW):
            self.write(f"/root/{version}.run", INSTALLER.replace("@VERSION@", version))

    def write(self, path: str, content: str) -> None:
        command = f"cat > {path} && chmod 0755 {path}"
        subprocess.run(ssh_argv(self.host, command), input=content, text=True, timeout=60, check=True)

    def ask(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ssh_argv(self.host, command), capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL
        )

    def read(self, name: str) -> list[str]:
        """Lines of a file of the kernel's folder."""
        return self.ask(f"cat {KERNEL}/{name}").stdout.splitlines()

    def reset(self, modules: str = "") -> None:
        """No driver, nothing installed, no fault."""
        self.ask(
            f"systemctl stop nvidia-persistenced provision-nvidia-devices; rm -rf {KERNEL} /dev/nvidia* "
            f"/var/lib/provision/nvidia/installed; mkdir {KERNEL}; printf '%s' '{modules}' > {KERNEL}/modules"
        )

    def host_role(self, version: str, **variables: Any) -> tuple[int | None, str]:
        given = {"nvidia_host_cards": 2, "nvidia_host_loaded_file": f"{KERNEL}/version"} | variables
        return self.run("nvidia_host", version, given | {"nvidia_host_modules_file": f"{KERNEL}/modules"})

    def run(self, role: str, version: str, variables: dict[str, Any]) -> tuple[int | None, str]:
        """How many tasks changed, None where one failed; and what was printed."""
        script = INSTALLER.replace("@VERSION@", version)
        installer = {
            "file": f"NVIDIA-Linux-x86_64-{version}-stand-in.run",
            "url": f"file:///root/{version}.run",
            "sha256": sha256(script.encode()).hexdigest(),
            "size_mib": 1,
        }
        own = {f"{role}_version": version, f"{role}_installer": installer, "provision_roles": [role]}
        playbook = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.inventory)]
        done = subprocess.run(
            [*playbook, "-e", json.dumps(own | variables), "playbooks/host.yml"],
            cwd=ROOT, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        changed = re.search(r"changed=(\d+)", done.stdout)
        told = " ".join((done.stdout + done.stderr).split())
        return (int(changed[1]) if changed and done.returncode == 0 else None), told


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with lab_home_folder():
        try:
            yield Node(ensure_hosts(LAB, 1).hosts[0], tmp_path_factory.mktemp("inventory"))
        finally:
            destroy_lab(LAB)


def test_the_installer_gets_options_that_it_has_and_a_second_run_changes_nothing(node: Node) -> None:
    node.reset()
    changed, told = node.host_role(OLD)
    assert changed, told
    assert node.read("installations") == [f"{OLD} {OPTIONS}"]
    assert node.ask("/usr/local/sbin/provision-nvidia-devices 2 --check").returncode == 0
    assert node.host_role(OLD)[0] == 0
    assert len(node.read("installations")) == 1


def test_a_node_that_cannot_be_made_is_named_and_no_other(node: Node) -> None:
    node.ask(f"rm /dev/nvidia1 /dev/nvidia-uvm; touch {KERNEL}/without-nvidia-uvm")
    made = node.ask("/usr/local/sbin/provision-nvidia-devices 2")
    assert made.returncode == 1
    assert made.stderr.splitlines()[-1] == "still missing after 30 s: /dev/nvidia-uvm"


def test_with_nouveau_loaded_the_driver_is_installed_untried_and_a_restart_asked_for(node: Node) -> None:
    node.reset(modules="nouveau 1 0 - Live 0x0\n")
    changed, told = node.host_role(OLD)
    assert changed is None
    assert "--allow-reboot" in told
    assert node.read("installations") == [f"{OLD} {OPTIONS} --skip-module-load"]
    assert node.read("on-disk") == [OLD]
    node.ask(f": > {KERNEL}/modules; modprobe nvidia")
    assert node.host_role(OLD)[0]
    assert len(node.read("installations")) == 1


def test_a_driver_that_waits_for_a_restart_is_taken_back_from_the_disk_too(node: Node) -> None:
    """Else the next restart would load it, and the guests have the libraries of the other."""
    node.reset()
    assert node.host_role(OLD)[0]
    node.ask(f"touch {KERNEL}/held")
    changed, told = node.host_role(NEW)
    assert changed is None
    assert "--allow-reboot" in told
    assert node.read("on-disk") == [NEW]
    assert node.host_role(OLD)[0]
    assert node.read("on-disk") == [OLD]
    assert node.host_role(OLD)[0] == 0


def test_an_installation_that_failed_does_not_count(node: Node) -> None:
    node.reset()
    assert node.host_role(OLD)[0]
    node.ask(f"touch {KERNEL}/held {KERNEL}/breaks")
    changed, told = node.host_role(NEW)
    assert changed is None
    assert "Failed to build the NVIDIA kernel modules" in told
    node.ask(f"rm {KERNEL}/breaks")
    assert node.host_role(OLD)[0]
    assert [line.split()[0] for line in node.read("installations")] == [OLD, NEW, OLD]


def test_power_limits_that_are_not_wanted_any_more_leave_no_unit(node: Node) -> None:
    node.reset()
    limit = [{"address": "0000:01:00.0", "watts": 350}]
    assert node.host_role(OLD, nvidia_host_power_limits=limit)[0]
    assert node.ask("systemctl is-enabled provision-nvidia-power.service").stdout.strip() == "enabled"
    assert node.host_role(OLD)[0]
    assert node.ask("ls -R /etc/systemd/system | grep provision-nvidia-power").stdout == ""
    assert node.host_role(OLD)[0] == 0


def test_a_guest_that_sees_no_driver_is_told_so_and_gets_nothing(node: Node) -> None:
    changed, told = node.run("nvidia_guest", OLD, {"nvidia_guest_loaded_file": "/root/no-such-file"})
    assert changed is None
    assert f"runs another NVIDIA driver than {OLD}" in told
    assert "/root/no-such-file: none" in told

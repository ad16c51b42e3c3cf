"""The committed example inventories are what the product renders today, and Ansible accepts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provision.pipeline.examples import EXAMPLES, PROFILES, render_example
from provision.profile import list_profiles

AGAIN = f"if the change is meant: {Path(sys.executable).name} -m provision.pipeline.examples"
GROUPS = ["apps", "data", "engine", "gateway", "observe"]
MACHINES = {
    "cpu-small": {"apps", "data", "engine", "gateway", "observe"},
    "hetzner-rtx6000": {"host"},
    "scaleway-h100": {"host"},
    "sme-2x4090": {"apps", "data", "engine", "gateway", "observe"},
}


def test_every_built_in_profile_has_an_example() -> None:
    assert set(PROFILES) == {profile.name for profile in list_profiles()} == set(MACHINES)
    assert {path.name for path in EXAMPLES.iterdir()} == set(PROFILES), AGAIN


@pytest.mark.parametrize("profile", PROFILES)
def test_example_is_current(profile: str) -> None:
    folder = EXAMPLES / profile
    committed = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    rendered = {name: text.encode() for name, text in render_example(profile).items()}
    assert sorted(committed) == sorted(rendered), AGAIN
    for name, content in rendered.items():
        assert committed[name] == content, f"{profile}/{name} differs; {AGAIN}"


@pytest.mark.parametrize("profile", PROFILES)
def test_ansible_reads_the_example(profile: str, tmp_path: Path) -> None:
    listed = list_inventory(EXAMPLES / profile, tmp_path)
    hosts = listed["_meta"]["hostvars"]
    assert set(hosts) == MACHINES[profile]
    in_group = {group: listed[group]["hosts"] for group in GROUPS}
    assert in_group == {group: [group] if group in MACHINES[profile] else ["host"] for group in GROUPS}
    for variables in hosts.values():
        assert variables["provision_roles"][:2] == ["base", "probe"]
        assert variables["ansible_host"].startswith("10.42.0.")
        assert variables["base_admin_networks"]


def list_inventory(folder: Path, home: Path) -> dict[str, Any]:
    """`ansible-inventory --list` of the Ansible beside this Python, with no settings of this machine."""
    (home / "ansible.cfg").write_text("")
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-inventory", "-i", folder, "--list"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "ANSIBLE_HOME": str(home),
            "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    listed: dict[str, Any] = json.loads(done.stdout)
    return listed

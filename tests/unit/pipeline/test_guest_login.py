"""Our key is made once, and host keys are those that the node told, for the guests that are planned."""

from __future__ import annotations

import stat
import subprocess
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from provision.pipeline.guest_login import ensure_key, known_addresses, note_host_keys
from provision.runner.workspace import Workspace, open_workspace

ONE, TWO, THREE = (IPv4Address(f"10.42.0.{number}") for number in (11, 12, 13))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path, "acme", "live")


def test_the_key_is_one_that_ssh_takes_and_is_made_once(workspace: Workspace) -> None:
    public = ensure_key(workspace)
    assert ensure_key(workspace) == public
    assert stat.S_IMODE(workspace.guest_key.stat().st_mode) == 0o600
    argv = ["ssh-keygen", "-y", "-f", str(workspace.guest_key)]
    derived = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert derived.split()[:2] == public.split()[:2]


def test_a_lost_half_makes_a_new_pair(workspace: Workspace) -> None:
    public = ensure_key(workspace)
    workspace.guest_key.with_suffix(".pub").unlink()
    assert ensure_key(workspace) != public


def test_new_keys_replace_old_ones_and_guests_that_went_are_forgotten(workspace: Workspace) -> None:
    assert known_addresses(workspace) == frozenset()
    note_host_keys(workspace, {ONE: "ssh-ed25519 AAAA root@engine\n", TWO: "ssh-ed25519 BBBB root@data\n"}, [])
    note_host_keys(workspace, {TWO: "ssh-ed25519 CCCC root@data\n"}, [ONE, TWO, THREE])
    assert workspace.known_hosts.read_text() == "10.42.0.11 ssh-ed25519 AAAA\n10.42.0.12 ssh-ed25519 CCCC\n"
    note_host_keys(workspace, {}, [TWO])
    assert known_addresses(workspace) == frozenset({"10.42.0.12"})

"""What a command on a node ends with is told apart from what ssh ends with. A script stands for ssh."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provision.errors import RunError, UnreachableError
from provision.models.node import NodeLogin
from provision.pipeline.node_shell import run_on_node

ROOT = NodeLogin(machine="pve1", address="192.0.2.10", port=22, user="root")


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs the command line here, as sshd would have root's shell do there."""
    script = tmp_path / "ssh"
    script.write_text('#!/bin/sh\nfor word in "$@"; do last=$word; done\nexec sh -c "$last"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return script


def test_what_it_prints_comes_back_and_words_stay_words(ssh: Path) -> None:
    assert run_on_node(ROOT, ("printf", "%s|", "a b", "$HOME", "'", ";id")) == "a b|$HOME|'|;id|"


def test_a_command_that_dies_with_255_is_not_taken_for_ssh(ssh: Path) -> None:
    """Proxmox's own commands do, when they die."""
    with pytest.raises(RunError, match="pool 'x' already exists"):
        run_on_node(ROOT, ("sh", "-c", "echo \"create pool failed: pool 'x' already exists\" >&2; exit 255"))
    with pytest.raises(RunError, match="it ended with 3"):
        run_on_node(ROOT, ("sh", "-c", "exit 3"))


def test_an_ssh_that_fails_is_unreachable(ssh: Path) -> None:
    ssh.write_text("#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    with pytest.raises(UnreachableError, match="Host key verification failed"):
        run_on_node(ROOT, ("true",))


def test_a_command_without_end_is_given_up(ssh: Path) -> None:
    with pytest.raises(RunError, match="did not end the command"):
        run_on_node(ROOT, ("sleep", "5"), timeout=0.2)


def test_another_user_goes_by_sudo(ssh: Path) -> None:
    ssh.write_text('#!/bin/sh\nfor word in "$@"; do last=$word; done\necho "$last"\n')
    asked = run_on_node(ROOT.model_copy(update={"user": "operator"}), ("cat", "/a b"))
    assert asked.startswith("sudo -n cat '/a b'")

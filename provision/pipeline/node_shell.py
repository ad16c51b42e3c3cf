"""One command on a Proxmox node, by ssh. What is secret never stands in `argv`."""

from __future__ import annotations

import shlex
import subprocess

from provision.errors import RunError, UnreachableError
from provision.models.node import NodeLogin
from provision.pipeline.connect import ssh_argv

_SSH_FAILED = 255
# Proxmox's commands end with 255 too when they die: that must not look as if ssh had failed.
_TELL_APART = " || exit $(($? == 255 ? 254 : $?))"


def run_on_node(login: NodeLogin, argv: tuple[str, ...], *, timeout: float = 120) -> str:
    """What the command prints. Raises RunError with its last words, UnreachableError where ssh does not get through.

    `timeout` in seconds. A user other than root goes by sudo, which must let it without a password.
    """
    command = argv if login.user == "root" else ("sudo", "-n", *argv)
    where = f"{login.user}@{login.address}: {shlex.join(argv[:4])}"
    try:
        done = subprocess.run(
            [*ssh_argv(login), shlex.join(command) + _TELL_APART],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise RunError(
            f"the node did not end the command within {timeout:g} s", where=where, hint="is its storage hung? run again"
        ) from None
    said = " ".join(done.stderr.split())[-300:]
    if done.returncode == _SSH_FAILED:
        raise UnreachableError(f"the node cannot be reached: {said}", where=where, hint="provision doctor --profile")
    if done.returncode != 0:
        raise RunError(
            f"the node refused: {said or f'it ended with {done.returncode}'}",
            where=where,
            hint="docs/root-command.md says what it refuses",
        )
    return done.stdout

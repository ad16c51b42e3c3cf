"""Waiting until a guest can be worked with: ssh answers with the right key, and systemd has settled."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from threading import Event

from provision.errors import UnreachableError
from provision.lab.places import guest_home
from provision.models.lab import LabHost

READY_LIMIT_S = 90.0
RETRY_S = 0.05


def ssh_argv(host: LabHost, *command: str) -> list[str]:
    """The ssh command line that reaches a guest, with strict host keys and nothing of the user's own settings."""
    return [
        "ssh", "-F", "none", "-i", host.private_key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
        "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={host.known_hosts}",
        "-o", "GlobalKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5", "-o", "LogLevel=ERROR",
        "-p", str(host.port), f"{host.user}@{host.address}", *command,
    ]  # fmt: skip


def wait_answering(lab: str, host: LabHost, stop: Event, limit_s: float = READY_LIMIT_S) -> None:
    """Return when ssh answers with the right key and lets us in. Raises UnreachableError after `limit_s` seconds."""
    _told_until(lab, host, "echo in", {"in"}, stop, time.monotonic() + limit_s)


def wait_started(lab: str, host: LabHost, stop: Event, *, fresh: bool, limit_s: float = READY_LIMIT_S) -> None:
    """Return when the guest's systemd has settled after a start. Raises UnreachableError after `limit_s` seconds.

    A fresh guest must be `running`. In one that was used before, a unit may have failed by what was done to it:
    that is for the next run of roles to mend, not a reason to refuse the guest.
    """
    ends = {"running"} if fresh else {"running", "degraded"}
    asked = "systemctl is-system-running --wait; systemctl --failed --no-legend --plain"
    _told_until(lab, host, asked, ends, stop, time.monotonic() + limit_s)


def _told_until(lab: str, host: LabHost, command: str, ends: set[str], stop: Event, deadline: float) -> None:
    """Ask again until the first line of the answer is one of `ends`, or for good `degraded`."""
    _wait_banner(lab, host, stop, deadline)
    answer = told = ""
    while time.monotonic() < deadline and not stop.is_set():
        try:
            # Dies with this process, however that ends: a connection to a guest that is gone would linger.
            done = subprocess.run(
                ["setpriv", "--pdeathsig", "KILL", "--", *ssh_argv(host, command)],
                capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
                timeout=max(5.0, deadline - time.monotonic()),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            break
        answer, _, told = done.stdout.strip().partition("\n")
        if answer in ends:
            return
        if answer == "degraded":
            break
        told = done.stderr.strip() or answer
        time.sleep(RETRY_S)
    raise UnreachableError(
        f"guest {host.name} came up {answer or 'without answering'}: {told.strip()}",
        where=f"ssh {host.user}@{host.address}; LXC's log is {_log(lab, host)}",
        hint="see what failed with `systemctl --failed` in the guest, or make the lab anew",
    )


def _wait_banner(lab: str, host: LabHost, stop: Event, deadline: float) -> None:
    """Wait for sshd's greeting: a connection alone is also what a socket unit that is still starting gives."""
    while time.monotonic() < deadline and not stop.is_set():
        try:
            with socket.create_connection((str(host.address), host.port), timeout=1) as connection:
                connection.settimeout(5)
                if connection.recv(4) == b"SSH-":
                    return
        except OSError:
            time.sleep(RETRY_S)
    raise UnreachableError(
        f"guest {host.name} does not answer on port {host.port}",
        where=f"{host.address}; LXC's log is {_log(lab, host)}",
        hint="check that no firewall of this machine drops packets to the lab's bridge",
    )


def _log(lab: str, host: LabHost) -> Path:
    return guest_home(lab, host.name) / "lxc.log"

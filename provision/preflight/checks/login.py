"""Did root log in?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import EVERYWHERE, Check, Evidence, Problem

_WHY = {
    "proxmox": "Proxmox lets only root@pam pass devices to a container",
    "host": "packages, units and the firewall are root's",
}


def judge(evidence: Evidence) -> Iterator[Problem]:
    if evidence.node.uid != 0:
        yield Problem(
            f"the login is not root (uid {evidence.node.uid}): {_WHY[evidence.platform]}",
            "--set platform.user=root, with your ssh key in root's authorized_keys there",
        )


CHECK = Check(
    id="login",
    asks="The ssh login is root.",
    why="`dev[n]` is refused to everyone but root@pam (pve-container, LXC.pm).",
    judge=judge,
    anywhere=True,
    platforms=EVERYWHERE,
)

"""Did root log in?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import Check, Evidence, Problem


def judge(evidence: Evidence) -> Iterator[Problem]:
    if evidence.node.uid != 0:
        yield Problem(
            f"the login is not root (uid {evidence.node.uid}): Proxmox lets only root@pam pass devices to a container",
            "--set platform.user=root, with your ssh key in root's authorized_keys on the node",
        )


CHECK = Check(
    id="login",
    asks="The ssh login is root.",
    why="`dev[n]` is refused to everyone but root@pam (pve-container, LXC.pm).",
    judge=judge,
    anywhere=True,
)

"""Is it a system that the roles are made for?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.system import PROVEN, VERSIONS
from provision.preflight.check import HOST, Check, Evidence, Problem

_DRIVER = ("debian 12", "debian 13", "ubuntu 24.04")
"""What the driver's part knows."""


def judge(evidence: Evidence) -> Iterator[Problem]:
    system = evidence.node.distribution
    if system is None:
        yield evidence.unknown("distribution", "which system it is")
    elif system != evidence.plan.system and system in VERSIONS:
        yield Problem(
            f"the system is {system}, the profile says {evidence.plan.system}",
            f"--set platform.system='{system}', or install {evidence.plan.system}",
            where="/etc/os-release",
            concerns="plan",
        )
    elif system not in VERSIONS:
        part = (
            "only the driver's part knows it, the services' roles do not" if system in _DRIVER else "no role knows it"
        )
        yield Problem(
            f"the system is {system}: {part}",
            f"install {PROVEN} (at Hetzner by installimage, at Scaleway as the instance's image)",
            where="/etc/os-release",
        )


CHECK = Check(
    id="host_system",
    asks="Plain host: Debian 12, or Ubuntu 24.04 where the profile says so.",
    why="The roles install packages by their names and versions. Only Debian 12 was ever run.",
    judge=judge,
    platforms=HOST,
)

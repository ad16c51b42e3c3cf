"""Which system the plan's machines have, and what is wrong with asking for another one than the proven."""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.plan import Finding
from provision.models.profile import Profile
from provision.models.system import PROVEN, System
from provision.planner.problems import Problems

_PROVEN_ALONE = "vllm"
"""Its recipe and its lock are made for Python 3.11."""


def system_of(profile: Profile, *, live: bool) -> System:
    return profile.platform.system if live else PROVEN


def check_system(profile: Profile, problems: Problems) -> None:
    """Guests are made from Debian 12's template, and one engine is not made for another system."""
    if profile.platform.system == PROVEN:
        return
    if profile.platform.kind != "host":
        problems.add(
            f"the guests of a Proxmox node are {PROVEN}, not {profile.platform.system}",
            at="platform.system",
            hint="leave it out",
        )
    if any(_PROVEN_ALONE in machine.services for machine in profile.machines):
        problems.add(
            f"{_PROVEN_ALONE} is not made for {profile.platform.system}",
            at="platform.system",
            hint=f"install {PROVEN}, or serve the models with llama_cpp",
        )


def system_findings(profile: Profile, *, live: bool) -> Iterator[Finding]:
    """That nobody has run the roles there; in the lab, that its guests are another system."""
    if profile.platform.system != PROVEN:
        yield Finding(
            severity="warning",
            what=f"no role has been run on {profile.platform.system} by us: versions are known, nothing is proven"
            if live
            else f"the host is {profile.platform.system}, and the lab's guest that stands for it is {PROVEN}",
            where="platform.system",
            hint=f"{PROVEN} is what everything was run on",
        )

"""A host's scratch disk: whose models lie on it, and what is wrong with asking for one."""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.plan import Finding
from provision.models.profile import Machine, Profile
from provision.planner.placement import ENGINES
from provision.planner.problems import Problems

_SCALEWAY = "scaleway/docs-content, pages/gpu/how-to/use-scratch-storage-h100-instances.mdx at 440e9b84"


def scratch_of(profile: Profile, machine: Machine) -> str | None:
    """The device for this machine's models; None where it serves none, or the profile names no disk."""
    serves = machine.kind == "host" and bool(ENGINES & set(machine.services))
    return profile.hardware.scratch if serves else None


def check_scratch(profile: Profile, problems: Problems) -> None:
    """A scratch disk belongs to a host that serves models."""
    if profile.hardware.scratch and not any(scratch_of(profile, machine) for machine in profile.machines):
        problems.add(
            "a scratch disk is named, and no machine of kind host serves models",
            at="hardware.scratch",
            hint="leave it out: guests of a Proxmox node have their models on a volume of their own",
        )


def scratch_findings(profile: Profile, *, live: bool) -> Iterator[Finding]:
    """That models may have to be fetched again; in the lab, that the disk is left out."""
    device = profile.hardware.scratch
    if device and live:
        yield Finding(
            severity="note",
            what=f"models lie on the scratch disk {device}, which is formatted where it is empty and nowhere else",
            where="hardware.scratch",
            hint="the provider empties it when the host is stopped: at the next start its models are fetched again",
        )
    elif device:
        yield Finding(
            severity="warning",
            what=f"the scratch disk {device} is left out in the lab, whose guests may mount no file system",
            where="hardware.scratch",
            hint="models lie on the guest's own disk",
        )
    elif live and profile.platform.kind == "host" and profile.platform.provider == "scaleway":
        yield Finding(
            severity="note",
            what="the scratch disk of the instance is not used: under which name it appears is not documented",
            where="hardware.scratch",
            hint=f"lsblk on the host names it; then --set hardware.scratch=/dev/NAME ({_SCALEWAY})",
        )

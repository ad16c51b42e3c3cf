"""The lab's ssh identities: one client key per lab, one host key per guest, and a known_hosts that is right.

All keys are made before a guest starts, so `StrictHostKeyChecking=yes` holds from the first connection on.
"""

from __future__ import annotations

from pathlib import Path

from provision.lab.commands import run
from provision.lab.places import host_key, known_hosts, private_key
from provision.models.lab import LabSpec


def ensure_keys(spec: LabSpec) -> None:
    """Make the keys that are absent, then write known_hosts anew from the host keys."""
    _ensure_key(private_key(spec.name), f"provision lab {spec.name}")
    lines = []
    for guest in spec.guests:
        key = host_key(spec.name, guest.name)
        _ensure_key(key, guest.name)
        kind, public, *_ = public_half(key).split()
        lines.append(f"{guest.address},{guest.name} {kind} {public}\n")
    known_hosts(spec.name).write_text("".join(lines))


def public_half(key: Path) -> str:
    return key.with_name(f"{key.name}.pub").read_text()


def _ensure_key(path: Path, comment: str) -> None:
    """Private keys are 0600 in a folder that only root enters."""
    public = path.with_name(f"{path.name}.pub")
    if path.is_file() and public.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)],
        hint="check that openssh-client is installed and the disk has room",
    )

"""What makes a copy of the root file system one particular guest: names, keys, resolver, trust, environment."""

from __future__ import annotations

import os
import uuid
from ipaddress import IPv4Address
from pathlib import Path

from provision.lab.authorities import trust_environment, trust_files
from provision.lab.keys import public_half
from provision.lab.places import host_key, private_key
from provision.lab.requirements import SUBID_START
from provision.lab.resolver import guest_resolv_conf
from provision.models.lab import LabGuest, LabSpec

PATH_LINE = 'PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"\n'


def write_guest_files(spec: LabSpec, guest: LabGuest, rootfs: Path) -> None:
    """Write the guest's own files into its unpacked root; modes are 0644, private keys and ssh files 0600."""
    public = public_half(host_key(spec.name, guest.name))
    trust = trust_files(rootfs)
    files = {
        "/etc/hostname": f"{guest.name}\n",
        "/etc/hosts": hosts_file(guest.name, {peer.name: peer.address for peer in spec.guests}),
        "/etc/machine-id": f"{uuid.uuid4().hex}\n",
        "/etc/resolv.conf": guest_resolv_conf(),
        "/etc/default/locale": "LANG=C.UTF-8\n",
        "/etc/environment": environment_file(trust_environment() if trust else {}),
        "/etc/ssh/ssh_host_ed25519_key.pub": public,
        **trust,
    }
    secret = {
        "/etc/ssh/ssh_host_ed25519_key": host_key(spec.name, guest.name).read_text(),
        "/root/.ssh/authorized_keys": public_half(private_key(spec.name)),
    }
    for path, text in files.items():
        place(rootfs, path, text, 0o644)
    for path, text in secret.items():
        place(rootfs, path, text, 0o600)


def hosts_file(own_name: str, peers: dict[str, IPv4Address]) -> str:
    """Every guest of the lab by name; a guest knows itself by its real address, as its peers do."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    lines += [f"{address} {name}" for name, address in peers.items()]
    if own_name not in peers:
        lines.append(f"127.0.1.1 {own_name}")
    return "\n".join(lines) + "\n"


def environment_file(variables: dict[str, str]) -> str:
    """/etc/environment as pam_env(8) reads it: plain assignments, no shell."""
    return PATH_LINE + "".join(f"{name}={value}\n" for name, value in sorted(variables.items()))


def place(rootfs: Path, path: str, text: str, mode: int) -> None:
    """Write one file of a guest that is not running, owned by the guest's root; a link in its place is replaced."""
    target = rootfs / path.lstrip("/")
    for folder in reversed(target.relative_to(rootfs).parents[:-1]):
        if not (rootfs / folder).exists():
            (rootfs / folder).mkdir()
            os.chown(rootfs / folder, SUBID_START, SUBID_START)
    target.unlink(missing_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(handle, "w") as out:
        out.write(text)
    target.chmod(mode)
    os.chown(target, SUBID_START, SUBID_START, follow_symlinks=False)

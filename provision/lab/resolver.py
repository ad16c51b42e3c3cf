"""The name servers that a guest can use: the host's, where they are not on the host's own loopback."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from provision.errors import SetupError

# resolv.conf(5), and the file of systemd-resolved(8) that names the servers behind its loopback stub.
RESOLV_FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def guest_resolv_conf(files: tuple[Path, ...] = RESOLV_FILES) -> str:
    """A resolv.conf for guests. Raises SetupError when the host names no server that a guest could reach."""
    for path in files:
        text = path.read_text() if path.exists() else ""
        kept = [line for line in text.splitlines() if _is_useful(line)]
        if any(line.startswith("nameserver") for line in kept):
            return "\n".join(kept) + "\n"
    raise SetupError(
        "this machine names no name server that a guest could reach",
        where=", ".join(str(path) for path in files),
        hint="add a nameserver line with an address outside 127.0.0.0/8",
    )


def _is_useful(line: str) -> bool:
    words = line.split()
    if len(words) < 2:
        return False
    if words[0] in {"search", "options", "domain"}:
        return True
    if words[0] != "nameserver":
        return False
    try:
        return not ip_address(words[1].split("%")[0]).is_loopback and ip_address(words[1]).version == 4
    except ValueError:
        return False

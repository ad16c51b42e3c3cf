"""The systems that the roles are made for, and what differs between them: versions that come with the distribution.

Debian 12 is what everything was run on. Ubuntu 24.04 (noble) has PostgreSQL 16 and Python 3.12, and the other packages
under Debian's names; no role has been run on it by us, since there is no Ubuntu to be had here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

System = Literal["debian 12", "ubuntu 24.04"]
"""ID and VERSION_ID of /etc/os-release."""
PROVEN: System = "debian 12"
"""Of the lab's guests, and of Proxmox's template for them."""


class Versions(NamedTuple):
    postgresql: int
    """Major version, which names package, cluster and unit."""
    python: str
    """Minor version, which names folders of an environment."""


VERSIONS: dict[System, Versions] = {
    "debian 12": Versions(postgresql=15, python="3.11"),
    "ubuntu 24.04": Versions(postgresql=16, python="3.12"),
}


def unit_on(system: System, service: str, unit: str) -> str:
    """The unit of a service; PostgreSQL's has the major version in its name."""
    return f"postgresql@{VERSIONS[system].postgresql}-main.service" if service == "postgresql" else unit

"""What a Proxmox node needs to know of each machine: id, order of starting, disks."""

from __future__ import annotations

from collections.abc import Mapping

from provision.models.catalog import Catalog
from provision.models.plan import GuestPlan, ProxmoxPlan
from provision.models.profile import Machine, Profile
from provision.planner.placement import ENGINES, resolve_needs

TEMPLATE = "debian-12-standard"
"""What the roles are written for (roles/base refuses another system)."""
SYSTEM_MIB = 24 * 1024
"""An engine's own disk at the most: system and one release beside its predecessor (4.3 GB of CUDA libraries each)."""


def plan_proxmox(profile: Profile, client: str) -> ProxmoxPlan | None:
    """None for a profile of another platform."""
    if profile.platform.kind != "proxmox":
        return None
    guests = profile.platform.guests
    return ProxmoxPlan(
        pool=f"provision-{client}",
        tag=f"provision-{client}",
        storage=guests.storage,
        templates=guests.templates,
        bridge=profile.network.bridge,
        zone=guests.zone,
        template=TEMPLATE,
    )


def plan_guest(profile: Profile, machine: Machine, homes: Mapping[str, Machine], catalog: Catalog) -> GuestPlan | None:
    """The guest of one machine; models are on a volume of their own, which backups leave out (domain.md A6.12)."""
    if profile.platform.kind != "proxmox" or machine.kind == "host":
        return None
    serves = bool(ENGINES & set(machine.services))
    system = min(machine.disk // 2, SYSTEM_MIB) if serves else machine.disk
    return GuestPlan(
        id=profile.platform.guests.first_id + machine.address,
        start_order=_order(machine, homes, catalog, ()),
        system_mib=system,
        models_mib=machine.disk - system,
    )


def _order(machine: Machine, homes: Mapping[str, Machine], catalog: Catalog, asking: tuple[str, ...]) -> int:
    """1 for a machine that needs no other; else one more than the last of those it needs."""
    needed = {homes[n].name: homes[n] for service in machine.services for n in resolve_needs(service, catalog, homes)}
    gateway = {home.name: home for home in homes.values()} if "caddy" in machine.services else {}
    others = [m for name, m in {**needed, **gateway}.items() if name not in (machine.name, *asking)]
    return 1 + max((_order(other, homes, catalog, (*asking, machine.name)) for other in others), default=0)

"""What the API token may do: few privileges on the client's pool and on what it uses, none on '/'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

USER = "provision@pve"
Place = Literal["pool", "storage", "templates", "zone"]


class Privilege(NamedTuple):
    name: str
    place: Place
    needed_for: str
    source: str


class Missing(NamedTuple):
    name: str
    path: str
    needed_for: str


PRIVILEGES: tuple[Privilege, ...] = (
    Privilege("VM.Allocate", "pool", "create and destroy guests", "pve-container, PVE/API2/LXC.pm"),
    Privilege("VM.Audit", "pool", "see guests and their configuration", "pve-container, PVE/API2/LXC.pm"),
    Privilege("VM.Config.CPU", "pool", "set cores", "pve-container, PVE/LXC.pm"),
    Privilege("VM.Config.Disk", "pool", "make and grow disks", "pve-container, PVE/LXC.pm"),
    Privilege("VM.Config.Memory", "pool", "set memory and swap", "pve-container, PVE/LXC.pm"),
    Privilege("VM.Config.Network", "pool", "set addresses and names", "pve-container, PVE/LXC.pm"),
    Privilege("VM.Config.Options", "pool", "set tags, start order and description", "pve-container, PVE/LXC.pm"),
    Privilege("VM.PowerMgmt", "pool", "start and stop guests", "pve-container, PVE/API2/LXC/Status.pm"),
    Privilege("Datastore.AllocateSpace", "storage", "make disks", "pve-container, PVE/API2/LXC.pm"),
    Privilege("Datastore.Audit", "templates", "find the template", "pve-storage, PVE/API2/Storage/Content.pm"),
    Privilege(
        "Datastore.AllocateTemplate", "templates", "upload the template", "pve-storage, PVE/API2/Storage/Status.pm"
    ),
    Privilege("SDN.Use", "zone", "use the bridge", "pve-guest-common, PVE/GuestHelpers.pm"),
)


def token_id(client: str) -> str:
    return f"{USER}!{client}"


def pool_name(client: str) -> str:
    return f"provision-{client}"


def tag_name(client: str) -> str:
    return f"provision-{client}"


def acl(client: str, storage: str, template_storage: str, zone: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Path, role and the role's privileges."""
    paths: dict[Place, tuple[str, str]] = {
        "pool": (f"/pool/{pool_name(client)}", "ProvisionGuests"),
        "storage": (f"/storage/{storage}", "ProvisionStorage"),
        "templates": (f"/storage/{template_storage}", "ProvisionTemplates"),
        "zone": (f"/sdn/zones/{zone}", "ProvisionNetwork"),
    }
    return tuple(
        (*where, tuple(item.name for item in PRIVILEGES if item.place == place)) for place, where in paths.items()
    )


def creation_commands(client: str, storage: str, template_storage: str, zone: str) -> tuple[tuple[str, ...], ...]:
    pool = ("pveum", "pool", "add", pool_name(client))
    user = ("pveum", "user", "add", USER)
    token = ("pveum", "user", "token", "add", USER, client, "--privsep", "1", "--output-format", "json")
    roles, grants = [], []
    for path, role, privileges in acl(client, storage, template_storage, zone):
        roles.append(("pveum", "role", "add", role, "--privs", ",".join(privileges)))
        for kind, who in (("--users", USER), ("--tokens", token_id(client))):
            grants.append(("pveum", "acl", "modify", path, kind, who, "--roles", role))
    return (pool, *roles, user, *grants, token)


def missing_privileges(
    permissions: Mapping[str, Mapping[str, object]], client: str, storage: str, template_storage: str, zone: str
) -> tuple[Missing, ...]:
    found = []
    for path, _, privileges in acl(client, storage, template_storage, zone):
        for name in privileges:
            if name not in permissions.get(path, {}):
                found.append(Missing(name, path, next(p.needed_for for p in PRIVILEGES if p.name == name)))
    return tuple(found)

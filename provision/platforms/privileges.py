"""What the API token of a client may do: 12 privileges on its pool and on what the pool's guests use, none on '/'.

`python -m provision.platforms.privileges > docs/privileges.md` writes the page; a test holds both together.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Literal, NamedTuple

USER = "provision@pve"
Place = Literal["pool", "storage", "templates", "zone"]


class Privilege(NamedTuple):
    """One privilege, the kind of path it is granted on, and the call that asks for it with its source."""

    name: str
    place: Place
    needed_for: str
    source: str


class Grant(NamedTuple):
    """A role with its privileges on one path of the node's permissions."""

    path: str
    role: str
    privileges: tuple[str, ...]


class Missing(NamedTuple):
    name: str
    path: str
    needed_for: str


_MODIFY = "pve-container, src/PVE/LXC.pm, check_ct_modify_config_perm"
_API = "pve-container, src/PVE/API2/LXC.pm"

PRIVILEGES: tuple[Privilege, ...] = (
    Privilege("VM.Allocate", "pool", "create and destroy guests, and set their features", _API),
    Privilege("VM.Audit", "pool", "list guests and read their configuration", f"{_API}, Config.pm"),
    Privilege("VM.Config.CPU", "pool", "set cores", _MODIFY),
    Privilege("VM.Config.Disk", "pool", "make disks and let them grow", _MODIFY),
    Privilege("VM.Config.Memory", "pool", "set memory and swap", _MODIFY),
    Privilege("VM.Config.Network", "pool", "set network and host name", _MODIFY),
    Privilege("VM.Config.Options", "pool", "set tags, order of starting and description", _MODIFY),
    Privilege("VM.PowerMgmt", "pool", "start and stop guests", "pve-container, src/PVE/API2/LXC/Status.pm"),
    Privilege("Datastore.AllocateSpace", "storage", "make disks", _MODIFY),
    Privilege("Datastore.Audit", "templates", "find the template and make guests from it", "pve-storage, API2/Storage"),
    Privilege("Datastore.AllocateTemplate", "templates", "upload the template", "pve-storage, API2/Storage/Status.pm"),
    Privilege("SDN.Use", "zone", "put a guest on the bridge", "pve-guest-common, GuestHelpers.pm, check_vnet_access"),
)


def token_id(client: str) -> str:
    return f"{USER}!{client}"


def grants(client: str, storage: str, templates: str, zone: str) -> tuple[Grant, ...]:
    """One per path; where both storages are the same, its role holds the privileges of both."""
    paths: dict[Place, tuple[str, str]] = {
        "pool": (f"/pool/provision-{client}", "ProvisionGuests"),
        "storage": (f"/storage/{storage}", "ProvisionStorage"),
        "templates": (f"/storage/{templates}", "ProvisionTemplates"),
        "zone": (f"/sdn/zones/{zone}", "ProvisionNetwork"),
    }
    if storage == templates:
        paths["storage"] = paths["templates"] = (f"/storage/{storage}", "ProvisionStorageAndTemplates")
    held: dict[tuple[str, str], list[str]] = {}
    for privilege in PRIVILEGES:
        held.setdefault(paths[privilege.place], []).append(privilege.name)
    return tuple(Grant(path, role, tuple(names)) for (path, role), names in held.items())


def creation_commands(client: str, storage: str, templates: str, zone: str) -> tuple[tuple[str, ...], ...]:
    """What root runs on the node (pveum(1)), in this order; the last prints the token's secret, once, as JSON.

    With privilege separation a token may do what both its user and itself were granted, so both are granted the same.
    Adding what is there fails with 'already exists', which a second run may pass over.
    """
    roles, granted = [], []
    for path, role, privileges in grants(client, storage, templates, zone):
        roles.append(("pveum", "role", "add", role, "--privs", ",".join(privileges)))
        for kind, who in (("--users", USER), ("--tokens", token_id(client))):
            granted.append(("pveum", "acl", "modify", path, kind, who, "--roles", role))
    return (
        ("pveum", "pool", "add", f"provision-{client}"),
        *roles,
        ("pveum", "user", "add", USER),
        *granted,
        ("pveum", "user", "token", "add", USER, client, "--privsep", "1", "--output-format", "json"),
    )


def missing_privileges(
    permissions: Mapping[str, Mapping[str, object]], client: str, storage: str, templates: str, zone: str
) -> tuple[Missing, ...]:
    """What the answer of GET /access/permissions (path -> privilege -> handed down) lacks."""
    needed_for = {privilege.name: privilege.needed_for for privilege in PRIVILEGES}
    return tuple(
        Missing(name, path, needed_for[name])
        for path, _, privileges in grants(client, storage, templates, zone)
        for name in privileges
        if name not in permissions.get(path, {})
    )


_PAGE = """# What the API token may do

Written by `python -m provision.platforms.privileges > docs/privileges.md`; a test holds both together.

Each client has a token of its own, `{user}!CLIENT`, with privilege separation. {count} privileges, none on `/`: with
one there the token could change guests of others. STORAGE, TEMPLATES and ZONE are `platform.guests.storage`,
`.templates` and `.zone` of the profile.

| privilege | path | to | asked by |
|---|---|---|---|
{rows}

`up` asks `GET /access/permissions` before it changes anything and names each privilege that is missing. What the token
cannot do whatever it is granted, pass devices to a container, root's one command does
([root-command.md](root-command.md)).

## Making it
`provision token --profile PROFILE --set host=NODE` prints these commands; `--create` runs them by ssh and keeps the
secret in the client's vault (it is in no log and no argument):

```console
{commands}
```

The roles belong to all clients of the node; pool and token to one. A role that was edited by hand is set right with
`pveum role modify ROLE --privs PRIVILEGES`.

## Taking it away
`pveum user token remove {user} CLIENT`. The next run says that the token is gone; `provision token --create` makes a
new one in its place."""


def describe() -> str:
    """docs/privileges.md."""
    paths = {"pool": "/pool/provision-CLIENT", "storage": "/storage/STORAGE", "templates": "/storage/TEMPLATES"}
    rows = [
        f"| `{p.name}` | `{paths.get(p.place, '/sdn/zones/ZONE')}` | {p.needed_for} | {p.source} |" for p in PRIVILEGES
    ]
    commands = [shlex.join(command) for command in creation_commands("CLIENT", "local-lvm", "local", "localnetwork")]
    return _PAGE.format(user=USER, count=len(PRIVILEGES), rows="\n".join(rows), commands="\n".join(commands))


if __name__ == "__main__":
    print(describe())

"""What the API token of a client may do: 13 privileges on its pool and on what the pool's guests use, none on '/'.

`python -m provision.platforms.privileges > docs/privileges.md` writes the page; a test holds both together.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

USER = "provision@pve"
MAKE_TOKEN = ("pveum", "user", "token", "add")
"""How the one command begins that prints the token's secret."""
Place = Literal["pool", "storage", "templates", "zone"]


class Privilege(NamedTuple):
    """One privilege, the kind of path it is granted on, what needs it, and the functions of Proxmox that ask for it."""

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


class Excess(NamedTuple):
    name: str
    path: str


_API = "pve-container API2/LXC.pm"
_VM = "qemu-server API2/Qemu.pm"
_MODIFY = "pve-container LXC.pm: check_ct_modify_config_perm"
_READ = f"{_API}: vmlist, vm_pending; API2/LXC/Config.pm: vm_config"
_TAGS = "pve-guest-common GuestHelpers.pm: assert_tag_permissions"
_POWER = "pve-container API2/LXC/Status.pm: vm_start, vm_shutdown, vm_stop"
_FIND = "pve-storage API2/Storage/Content.pm: index; Storage.pm: check_volume_access"
_UPLOAD = "pve-storage API2/Storage/Status.pm: upload"
_BRIDGE = "pve-container LXC.pm: check_bridge_access; pve-guest-common GuestHelpers.pm: check_vnet_access"

PRIVILEGES: tuple[Privilege, ...] = (
    Privilege("VM.Allocate", "pool", "create and destroy guests", f"{_API}: create_vm, destroy_vm; {_MODIFY}"),
    Privilege("VM.Audit", "pool", "list guests and read their configuration", _READ),
    Privilege("VM.Config.CPU", "pool", "set cores", _MODIFY),
    Privilege("VM.Config.Disk", "pool", "make disks and let them grow", f"{_MODIFY}; {_API}: resize_vm"),
    Privilege("VM.Config.HWType", "pool", "give a VM its serial console", f"{_VM}: check_vm_create_serial_perm"),
    Privilege("VM.Config.Memory", "pool", "set memory and swap", _MODIFY),
    Privilege("VM.Config.Network", "pool", "set network and host name", _MODIFY),
    Privilege("VM.Config.Options", "pool", "set tags, order of starting, description", f"{_MODIFY}; {_TAGS}"),
    Privilege("VM.PowerMgmt", "pool", "start and stop guests", _POWER),
    Privilege("Datastore.AllocateSpace", "storage", "make disks", f"{_API}: create_vm, resize_vm; {_MODIFY}"),
    Privilege("Datastore.Audit", "templates", "find template and image, and make guests from them", _FIND),
    Privilege("Datastore.AllocateTemplate", "templates", "upload the template", _UPLOAD),
    Privilege("SDN.Use", "zone", "put a guest on the bridge", _BRIDGE),
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
    """What root runs on the node (pveum(1)), in this order; MAKE_TOKEN prints the token's secret, once, as JSON.

    With privilege separation a token may do what both its user and itself were granted, so both are granted the same;
    the token after it is made, for nothing is granted to one that is not there.
    Each `add` fails with 'already exists' on a second run, which the caller may pass over: `role modify` sets what a
    role that is there holds, and `acl modify` may be repeated (pve-access-control, API2/Role.pm and ACL.pm).
    """
    roles, to_user, to_token = [], [], []
    for path, role, privileges in grants(client, storage, templates, zone):
        names = ",".join(privileges)
        roles.append(("pveum", "role", "add", role, "--privs", names))
        roles.append(("pveum", "role", "modify", role, "--privs", names))
        to_user.append(("pveum", "acl", "modify", path, "--users", USER, "--roles", role))
        to_token.append(("pveum", "acl", "modify", path, "--tokens", token_id(client), "--roles", role))
    return (
        ("pveum", "pool", "add", f"provision-{client}"),
        *roles,
        ("pveum", "user", "add", USER),
        *to_user,
        (*MAKE_TOKEN, USER, client, "--privsep", "1", "--output-format", "json"),
        *to_token,
    )


def missing_privileges(
    permissions: Mapping[str, Mapping[str, object]], client: str, storage: str, templates: str, zone: str
) -> tuple[Missing, ...]:
    """What the answer of GET /access/permissions (path -> privilege -> handed down) lacks.

    Only the path itself counts: Proxmox leaves out one on which nothing is held, so those above it tell nothing
    (pve-access-control, RPCEnvironment.pm, get_effective_permissions).
    """
    needed_for = {privilege.name: privilege.needed_for for privilege in PRIVILEGES}
    return tuple(
        Missing(name, path, needed_for[name])
        for path, _, privileges in grants(client, storage, templates, zone)
        for name in privileges
        if name not in permissions.get(path, {})
    )


def excess_privileges(
    permissions: Mapping[str, Mapping[str, object]], client: str, storage: str, templates: str, zone: str
) -> tuple[Excess, ...]:
    """What the token holds beyond what is documented, each named once, on the highest path; all on '/' is excess.

    `permissions` as for `missing_privileges`. Guests hold what their pool does, marked as not handed down
    (pve-access-control, RPCEnvironment.pm, compile_acl_path).
    """
    documented = {grant.path: grant.privileges for grant in grants(client, storage, templates, zone)}
    of_pool = documented[f"/pool/provision-{client}"]
    found: list[Excess] = []
    for path in sorted(permissions):
        here = {path, *map(str, PurePosixPath(path).parents)}
        fine = {name for place in here for name in documented.get(place, ())}
        fine |= {excess.name for excess in found if excess.path in here}
        for name, handed_down in sorted(permissions[path].items()):
            from_pool = path.startswith("/vms/") and not handed_down and name in of_pool
            if name not in fine and not from_pool:
                found.append(Excess(name, path))
    return tuple(found)


_PAGE = """# What the API token may do

Written by `python -m provision.platforms.privileges > docs/privileges.md`; a test holds both together.

Each client has a token of its own, `{user}!CLIENT`, with privilege separation. {count} privileges, none on `/`:
what is granted there holds for every guest, storage and bridge, those of others too. STORAGE, TEMPLATES and ZONE are
`platform.guests.storage`, `.templates` and `.zone` of the profile. The files are Proxmox's, below `src/PVE`.

| privilege | path | to | asked by |
|---|---|---|---|
{rows}

`up` asks `GET /access/permissions` before it changes anything and names each privilege that is missing. A guest holds
what its pool does. A token sees its own tasks without a privilege (pve-manager, `PVE/API2/Tasks.pm`).

## What the token cannot do
- Pass devices to a container, whatever it is granted: root's one command does ([root-command.md](root-command.md)).
  Likewise bind mounts, hook scripts, features other than nesting (`LXC.pm`, `check_ct_modify_config_perm`).
- Set a VM's order of starting: there `startup` asks for `Sys.Modify` on `/` (qemu-server, `API2/Qemu.pm`,
  `check_vm_modify_config_perm`). cloud-init files of one's own (`cicustom`) are snippets, which root writes.
- Make a privileged container, set a tag that the datacenter's options restrict, or switch the datacenter's firewall on,
  without which `firewall=1` of a guest does nothing: all three ask for `Sys.Modify` on `/`.
- See or touch a guest outside its pool. What it may do with a guest of its pool, it may let others do
  (pve-access-control, `API2/ACL.pm`, `update_acl`: `VM.Allocate`), and no more.

## Making it
`provision token --profile PROFILE --set host=NODE` prints these commands; `--create` runs them by ssh and keeps the
secret in the client's vault (it is in no log and no argument):

```console
{commands}
```

The token may do what both it and its user were granted: so each path is granted twice. The roles belong to all clients
of the node; pool and token to one. `role modify` sets a role right that was there already.

## Taking it away
`pveum user token remove {user} CLIENT`. The next run says that the token is gone; `provision token --create`
makes a new one in its place. `pveum pool delete provision-CLIENT` once no guest is in it; once no client is left,
`pveum user delete {user}` and `pveum role delete ROLE`."""


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

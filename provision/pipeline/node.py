"""A Proxmox node or a plain host as it stands now: log in, run the script that only reads, judge its form."""

from __future__ import annotations

import socket
import subprocess

from pydantic import ValidationError

from provision.errors import ProfileError, ProvisionError, SetupError, UnreachableError, UsageError
from provision.models.node import NodeLogin, NodeObservation, parse_node
from provision.models.profile import Profile
from provision.pipeline.connect import ssh_argv
from provision.places import find_content
from provision.platforms.ssh import check_reachable

_TIMEOUT_S = 240
"""Each of the script's commands has 30 s; the whole is done within a few seconds on a node that is well."""
_PACKAGE = "provision.preflight.script"
_PARTS = ("reading", "machine", "host", "packages", "proxmox", "main")
"""In the order in which they import each other."""
_LOADER = """import sys, types
package = sys.modules[{package!r}] = types.ModuleType({package!r})
for name, text in {texts!r}.items():
    module = sys.modules[{package!r} + "." + name] = types.ModuleType({package!r} + "." + name)
    setattr(package, name, module)
    exec(compile(text, name + ".py", "exec"), module.__dict__)
package.main.main()
"""


def node_login(profile: Profile) -> NodeLogin:
    """How the profile's node, or its plain host, is reached.

    Raises UsageError for a profile whose machines are all guests made by hand, ProfileError where no host is named.
    """
    platform = profile.platform
    if platform.kind == "host" and all(machine.kind != "host" for machine in profile.machines):
        raise UsageError(
            f"profile '{profile.name}' has neither a Proxmox node nor a host of its own to examine",
            where=f"platform.kind is {platform.kind}, no machine of kind host",
            hint="name another profile, or leave --profile out to examine this machine for the lab",
        )
    if platform.host is None:
        raise ProfileError(
            f"the profile does not say which {'node' if platform.kind == 'proxmox' else 'host'} to examine",
            where="platform.host",
            hint="add --set platform.host=NODE, its name or address",
        )
    return NodeLogin(machine=platform.host, address=platform.host, port=platform.port, user=platform.user)


def read_node(login: NodeLogin) -> NodeObservation:
    """What the node says of itself. Raises UnreachableError where it does not let us in, SetupError for no Python."""
    _require_name(login)
    unreachable = check_reachable([login])
    if unreachable:
        raise unreachable[0]
    try:
        done = subprocess.run(
            [*ssh_argv(login), "python3", "-"],
            input=node_script(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise _broken(login, f"it did not answer within {_TIMEOUT_S} s") from None
    if done.returncode != 0:
        raise _broken(login, " ".join(done.stderr.split())[-300:] or f"it ended with {done.returncode}")
    try:
        return parse_node(done.stdout)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise _broken(login, f"{place}: {first['msg']}") from error


def node_script() -> str:
    """The modules of `provision/preflight/script` as one text for `python3 -`."""
    folder = find_content("provision") / "preflight" / "script"
    texts = {part: (folder / f"{part}.py").read_text(encoding="utf-8") for part in _PARTS}
    return _LOADER.format(package=_PACKAGE, texts=texts)


def _require_name(login: NodeLogin) -> None:
    try:
        socket.getaddrinfo(login.address, login.port)
    except OSError as error:
        raise UnreachableError(
            f"'{login.machine}' has no address: {error.strerror or error}",
            where=f"platform.host is {login.address}",
            hint="name the node as it is known here, or by its address: --set platform.host=ADDRESS",
        ) from error


def _broken(login: NodeLogin, why: str) -> ProvisionError:
    return SetupError(
        f"the node cannot be examined: {why}",
        where=f"{login.user}@{login.address}, port {login.port}",
        hint=f"does 'ssh -p {login.port} {login.user}@{login.address} python3 --version' answer 3.9 or newer?",
    )

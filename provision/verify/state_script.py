"""Runs on a machine (sent over ssh): a digest of everything that provision and its packages set there.

Standard library only, Python >= 3.9. Times, keys made by the machine itself, and data of the services stay out: two
machines brought up from the same plan and secrets have the same digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import subprocess
from collections.abc import Iterator

SKIP = (
    "/etc/.pwd.lock",
    "/etc/ld.so.cache",
    "/etc/machine-id",
    "/etc/mtab",
    "/etc/resolv.conf",
    "/etc/ssh/ssh_host_",
    "/etc/ssl/certs/ssl-cert-snakeoil",
    "/etc/ssl/certs/",
    "/etc/ssl/private/",
    "/etc/caddy/ca-root",
    "/etc/subuid",
    "/etc/subgid",
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/provision-simgpu.conf",
)


def run(*argv: str) -> list[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


def describe(path: str) -> str:
    status = os.lstat(path)
    owner = pwd.getpwuid(status.st_uid).pw_name
    if os.path.islink(path):
        return f"{path} -> {os.readlink(path)}"
    with open(path, "rb") as stream:
        content = hashlib.sha256(stream.read()).hexdigest()
    return f"{path} {status.st_mode & 0o7777:o} {owner} {content}"


def files() -> Iterator[str]:
    for folder, _, names in os.walk("/etc"):
        for name in names:
            path = os.path.join(folder, name)
            if not path.startswith(SKIP) and not name.endswith(("-", ".dpkg-old")):
                yield describe(path)


def releases() -> Iterator[str]:
    for service in sorted(os.listdir("/opt")):
        current = f"/opt/{service}/current"
        if os.path.islink(current):
            yield f"{current} -> {os.readlink(current)}"
            yield f"{service} has {sorted(os.listdir(f'/opt/{service}/releases'))}"


def units() -> Iterator[str]:
    for line in run(
        "systemctl", "list-units", "--type=service,socket,timer", "--state=active", "--plain", "--no-legend"
    ):
        name = line.split()[0]
        if not name.startswith(("user@", "user-runtime-dir@", "session-", "systemd-", "run-")):
            yield name


def accounts() -> Iterator[str]:
    return (entry.pw_name + ":" + entry.pw_shell for entry in pwd.getpwall())


sections = {
    "accounts": sorted(accounts()),
    "files": sorted(files()),
    "packages": sorted(run("dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n")),
    "releases": sorted(releases()),
    "units": sorted(units()),
}
print(json.dumps(sections))

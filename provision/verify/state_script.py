"""Runs on a machine (sent over ssh): a digest of everything that provision and its packages set there.

Standard library only, Python >= 3.9. Times, keys made by the machine itself, and data of the services stay out: two
machines brought up from the same plan and secrets have the same digest.
"""

from __future__ import annotations

import hashlib
import json
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

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


def describe(path: Path) -> str:
    status = path.lstat()
    if path.is_symlink():
        return f"{path} -> {path.readlink()}"
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{path} {status.st_mode & 0o7777:o} {path.owner()} {content}"


def files() -> Iterator[str]:
    for path in Path("/etc").rglob("*"):
        wanted = not str(path).startswith(SKIP) and not path.name.endswith(("-", ".dpkg-old"))
        if wanted and (path.is_symlink() or path.is_file()):
            yield describe(path)


def releases() -> Iterator[str]:
    for current in Path("/opt").glob("*/current"):
        kept = sorted(release.name for release in (current.parent / "releases").iterdir())
        yield f"{current} -> {current.readlink()}, kept: {kept}"


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

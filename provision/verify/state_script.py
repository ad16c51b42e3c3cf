"""Runs on a machine (sent over ssh): a digest of everything that provision and its packages set there.

Standard library only, Python >= 3.9. Times, keys made by the machine itself, and data of the services stay out: two
machines brought up from the same plan and secrets have the same digest. With `--live` there is also what tells
whether this very machine was touched since it was last asked: starts of units, the loaded firewall, model files,
database roles.
"""

from __future__ import annotations

import hashlib
import json
import pwd
import subprocess
import sys
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


def unit_starts() -> Iterator[str]:
    """A service that started since may have read something else than what lies there now."""
    names = [name for name in units() if name.endswith(".service")]
    shown = "\n".join(run("systemctl", "show", "--property=Id,ActiveEnterTimestamp", *names))
    return iter(sorted(block.replace("\n", " ") for block in shown.split("\n\n")))


def live() -> Iterator[str]:
    yield "boot " + Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    yield from unit_starts()
    if Path("/usr/sbin/nft").exists():
        yield "firewall " + fingerprint("/usr/sbin/nft", "--stateless", "list", "ruleset")
    for path in sorted(Path("/var/lib").glob("*/models/*")):
        yield f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}"
    if Path("/etc/postgresql").exists():
        asked = "select rolname, rolcanlogin, rolsuper, rolpassword from pg_authid order by 1"
        yield "roles " + fingerprint("runuser", "-u", "postgres", "--", "psql", "-Atc", asked)
        asked = "select datname, pg_get_userbyid(datdba) from pg_database order by 1"
        yield "databases " + fingerprint("runuser", "-u", "postgres", "--", "psql", "-Atc", asked)


def fingerprint(*argv: str) -> str:
    return hashlib.sha256("\n".join(run(*argv)).encode()).hexdigest()


sections = {
    "accounts": sorted(accounts()),
    "files": sorted(files()),
    "packages": sorted(run("dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n")),
    "releases": sorted(releases()),
    "units": sorted(units()),
}
if "--live" in sys.argv[1:]:
    sections["live"] = list(live())
print(json.dumps(sections))

"""The one root file system that every guest starts from, built once from the system's own package source.

It is a plain tar named by the hash of what went into it, with its sha256 beside it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from provision.errors import SetupError
from provision.lab.commands import mortal, run
from provision.lab.locks import held
from provision.lab.requirements import os_release
from provision.lab.sources import find_main_sources
from provision.places import find_cache

RECIPE_VERSION = 1
PACKAGES = (
    "acl",
    "ca-certificates",
    "curl",
    "dbus",
    "iproute2",
    "libgomp1",
    "netbase",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "python3-venv",
    "sudo",
    "systemd",
    "systemd-sysv",
    "zstd",
)
# Units that cannot work in a user namespace (the kernel refuses the mount or the device), that a guest without
# a console has no use for, or that would start package work of their own in the middle of a run.
MASKED_UNITS = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "console-getty.service",
    "container-getty@.service",
    "dev-hugepages.mount",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty.target",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-journald-audit.socket",
    "systemd-networkd-wait-online.service",
    "systemd-remount-fs.service",
)
# Lab guests are thrown away: no fsync per unpacked file, no manuals, no translations.
DPKG_OPTIONS = (
    "force-unsafe-io",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
)
SSHD_CONFIG = "HostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\nMaxStartups 100\nMaxSessions 100\n"


def ensure_rootfs(progress: Callable[[str], None] = lambda _: None) -> Path:
    """The cached root file system of the running suite, built where absent or damaged.

    Raises SetupError when it cannot be built; the whole log then lies beside the cache.
    """
    suite = os_release().get("VERSION_CODENAME", "")
    if not suite:
        raise SetupError(
            "this system does not name its suite",
            where="/etc/os-release, VERSION_CODENAME",
            hint="use a released Debian or Ubuntu",
        )
    path = find_cache() / "rootfs" / f"{rootfs_key(suite)}.tar"
    with held(path.with_suffix(".lock")):
        if not is_sound(path):
            progress(f"building the {suite} root file system ({len(PACKAGES)} packages), about a minute")
            _build(suite, path)
    return path


def rootfs_key(suite: str) -> str:
    """The first 16 hex digits of the sha256 over everything that decides what is in the root file system."""
    parts = (suite, str(RECIPE_VERSION), *PACKAGES, "--", *MASKED_UNITS, "--", *DPKG_OPTIONS, SSHD_CONFIG)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def is_sound(path: Path) -> bool:
    """Whether the tar is there and is what was built."""
    checksum = path.with_suffix(".sha256")
    if not path.is_file() or not checksum.is_file():
        return False
    return _sha256(path) == checksum.read_text().strip()


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _build(suite: str, path: Path) -> None:
    """Build into a folder of its own and rename at the end, so that a killed build leaves no half tar in use."""
    for stale in path.parent.glob(".build-*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=path.parent) as folder:
        work = Path(folder)
        work.chmod(0o755)
        built = work / "rootfs.tar"
        run(
            mortal(_command(suite, built)),
            hint="read the log; check the apt source with apt-get update",
            log=path.with_suffix(".log"),
            timeout_s=1800,
            environment={**os.environ, "TMPDIR": folder, "LC_ALL": "C.UTF-8"},
        )
        checksum = work / "rootfs.sha256"
        checksum.write_text(f"{_sha256(built)}\n")
        path.unlink(missing_ok=True)
        checksum.rename(path.with_suffix(".sha256"))
        built.rename(path)


def _command(suite: str, built: Path) -> list[str]:
    return [
        "mmdebstrap",
        # Root mode mounts /sys and more into the root; `mortal` gives those mounts a namespace of their own.
        "--mode=root",
        "--variant=minbase",
        "--format=tar",
        # The package lists stay: the first installation in a guest then needs no update before it.
        "--skip=cleanup/apt/lists",
        f"--include={','.join(PACKAGES)}",
        *(f"--dpkgopt={option}" for option in DPKG_OPTIONS),
        f"--customize-hook={_hook()}",
        suite,
        str(built),
        *(str(source) for source in find_main_sources()),
    ]


def _hook() -> str:
    """A shell script that mmdebstrap runs with the root as $1: mask units, forget who built it."""
    units = " ".join(f"'{unit}'" for unit in MASKED_UNITS)
    return (
        'set -e; cd "$1"\n'
        f'for unit in {units}; do ln -sf /dev/null "etc/systemd/system/$unit"; done\n'
        "rm -f etc/ssh/ssh_host_* etc/hostname etc/resolv.conf var/log/bootstrap.log var/log/dpkg.log\n"
        "rm -rf var/log/apt; : > etc/machine-id\n"
        f"printf '{SSHD_CONFIG.replace(chr(10), '\\n')}' > etc/ssh/sshd_config.d/10-lab.conf\n"
        "mkdir -p -m 0700 root/.ssh\n"
    )

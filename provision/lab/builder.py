"""A guest that lives for one build: same root file system, this machine's package places, torn down in any case."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

from provision.errors import SetupError
from provision.lab.authorities import GUEST_BUNDLE, trust_environment
from provision.lab.commands import run
from provision.lab.free_network import on_free_network
from provision.lab.lab import destroy_lab
from provision.lab.pip_settings import guest_pip_conf, host_pip_settings, local_folders
from provision.lab.readiness import ssh_argv
from provision.models.lab import LabGuest, LabHost, LabMount, LabSpec
from provision.places import recipe_sources

BUILD_NETWORKS = IPv4Network("10.99.0.0/16")
GUEST = "builder"
RECIPE_FOLDER = "/root/recipe"
INPUTS_FOLDER = "/root/inputs"
BUILD_LIMIT_S = 3600
REPORT_EVERY_S = 20.0
TOLD_LINES = 12

Progress = Callable[[str], None]


@contextmanager
def builder_guest(lab: str, progress: Progress) -> Iterator[LabHost]:
    """A ready guest that sees the folders that pip's settings name. What an earlier kill left is removed first."""
    settings = host_pip_settings()
    mounts = tuple(LabMount(path=str(path)) for path in local_folders(settings))
    destroy_lab(lab)
    try:
        host = on_free_network(
            lab,
            BUILD_NETWORKS,
            28,
            lambda network: LabSpec(
                name=lab,
                network=network,
                guests=(LabGuest(name=GUEST, address=network[2], mounts=mounts),),
            ),
            progress,
        ).hosts[0]
        _write(host, "/etc/pip.conf", guest_pip_conf(settings, GUEST_BUNDLE))
        yield host
    finally:
        destroy_lab(lab)


def send_file(host: LabHost, file: Path, target: str) -> None:
    """Copy one file into the guest, as its root's."""
    command = f"mkdir -p {shlex.quote(str(Path(target).parent))} && cat > {shlex.quote(target)}"
    with file.open("rb") as source:
        run(ssh_argv(host, command), source=source, hint="check the builder's log")


def send_recipe(host: LabHost, folder: Path, target: str) -> None:
    """Copy a recipe into the guest, owned by its root; what it builds of this checkout goes into `sources` there."""
    _send(host, ["-C", str(folder), "."], folder, target)
    if sources := recipe_sources(folder):
        named = [word for source in sources for word in ("-C", str(source.parent), source.name)]
        _send(host, named, folder, f"{target}/sources")


def _send(host: LabHost, named: list[str], folder: Path, target: str) -> None:
    packed = subprocess.Popen(["tar", "--exclude=__pycache__", "-c", *named], stdout=subprocess.PIPE)
    if packed.stdout is None:
        raise AssertionError("stdout=PIPE gives a stream")
    unpack = f"mkdir -p {target} && tar -C {target} --no-same-owner -x"
    with packed, packed.stdout as stream:
        sent = subprocess.run(ssh_argv(host, unpack), stdin=stream, capture_output=True, text=True, check=False)
    if sent.returncode != 0 or packed.returncode != 0:
        raise SetupError(
            f"the recipe did not reach the builder: {sent.stderr.strip()}",
            where=str(folder),
            hint="check that the recipe folder can be read",
        )


def run_recipe(host: LabHost, dest: str, log: Path, progress: Progress, environment: Mapping[str, str]) -> None:
    """Run `build.sh DEST` in the guest. Raises SetupError with the log's last lines when it fails."""
    settings = host_pip_settings()
    variables = {
        **environment,
        **trust_environment(),
        "INPUTS": INPUTS_FOLDER,
        "TMPDIR": "/var/tmp",  # noqa: S108 - the builder's own disk: its /tmp may be in memory
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    if settings.get("find-links"):
        variables["UV_FIND_LINKS"] = ",".join(settings["find-links"])
    words = ["env", *(f"{name}={value}" for name, value in variables.items())]
    command = shlex.join([*words, "bash", f"{RECIPE_FOLDER}/build.sh", dest])
    started = time.monotonic()
    with log.open("wb") as out:
        build = subprocess.Popen(
            ssh_argv(host, command), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            _await(build, started, log, progress)
        finally:
            if build.poll() is None:
                build.kill()
                build.wait()
    if build.returncode != 0:
        lines = log.read_text(errors="replace").strip().splitlines()[-TOLD_LINES:]
        raise SetupError(
            f"the recipe failed ({build.returncode}):\n       " + "\n       ".join(lines),
            where=f"the whole log is {log}",
            hint="read the log; most often a package could not be had",
        )


def pack_folder(rootfs: Path, dest: str, target: Path) -> None:
    """Pack the contents of DEST with the guest's own ids into a .tar.zst at `target`.

    Level 3 on all processors: it keeps up with the disk; higher levels cost minutes for a tenth of the size.
    """
    mapping = ["-m", "u:0:100000:65536", "-m", "g:0:100000:65536"]
    folder = rootfs / dest.lstrip("/")
    tar = ["lxc-usernsexec", *mapping, "--", "tar", "--numeric-owner", "--sort=name", "-C", str(folder), "-c", "."]
    reader = subprocess.Popen(tar, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    if reader.stdout is None:
        raise AssertionError("stdout=PIPE gives a stream")
    with reader, reader.stdout as stream:
        run(["zstd", "-q", "-f", "-T0", "-3", "-o", str(target)], source=stream, hint="check the disk's room")
    if reader.returncode != 0:
        raise SetupError("the built release could not be read", where=str(folder), hint=f"build.sh must fill {dest}")


def _await(build: subprocess.Popen[bytes], started: float, log: Path, progress: Progress) -> None:
    """Wait for the build, saying now and then how long it takes and what it last wrote."""
    while True:
        try:
            build.wait(REPORT_EVERY_S)
        except subprocess.TimeoutExpired:
            took = time.monotonic() - started
            if took > BUILD_LIMIT_S:
                return
            progress(f"building for {took:.0f} s: {_last_words(log.read_text(errors='replace'))}")
        else:
            return


def _last_words(log: str) -> str:
    """What a build last said of its work: pip's warnings of its own settings tell nobody how far it is."""
    lines = [line.strip() for line in log.splitlines() if line.strip() and not line.startswith("WARNING: ")]
    return lines[-1][:100] if lines else "no output yet"


def _write(host: LabHost, path: str, text: str) -> None:
    run(ssh_argv(host, f"cat > {shlex.quote(path)}"), text=text, hint="check the builder's log")

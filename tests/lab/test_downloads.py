"""Downloads that go wrong, on a real guest: nothing unverified runs, the old release keeps serving, the next run mends.

Qdrant's role is run as `up` runs it, by the runner and with the errors of its stage. Its archive is the lab's stand-in,
served by a web server with faults; the guest's own pauses and windows are shortened.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from provision.catalog.node_artifacts import artifact
from provision.catalog.releases import release_id
from provision.errors import ErrorGroup, ExitCode, ProvisionError
from provision.lab.bundles import ensure_bundle
from provision.lab.lab import destroy_lab, ensure_lab
from provision.lab.places import stand_in_recipe
from provision.lab.readiness import ssh_argv
from provision.lab.requirements import missing_requirements
from provision.models.artifact import Checksum
from provision.models.lab import BuiltBundle, LabGuest, LabHost, LabSpec
from provision.pipeline import mirror
from provision.pipeline.converge import require_success
from provision.places import REPOSITORY
from provision.runner import execute
from provision.runner.settings import ansible_environment
from provision.runner.workspace import Workspace
from tests.lab.lab_home import lab_home_folder
from tests.lab.small_disk import resize, small_disk
from tests.stand_ins.faulty_server import FaultyServer, closed_port, serve_faulty

pytestmark = [pytest.mark.lab, pytest.mark.skipif(bool(missing_requirements()), reason="no lab on this machine")]

LAB = LabSpec(
    name="t-downloads",
    network=IPv4Network("10.91.7.0/24"),
    guests=(LabGuest(name="data", address="10.91.7.10"),),
)
KEY = "a key of this test alone"
SHORTER = (("WINDOW_S = 60.0", "WINDOW_S = 1.5"), ("PAUSE_S = 1.0", "PAUSE_S = 0.05"))


class Guest(NamedTuple):
    host: LabHost
    workspace: Workspace
    server: FaultyServer
    archive: BuiltBundle

    def tell(self, command: str) -> str:
        done = subprocess.run(ssh_argv(self.host, command), capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def install(self, release: str, **changed: str) -> None:
        """Run the role. Raises ErrorGroup as `up` does."""
        locked = {"file": artifact("qdrant", None).file, "url": self.server.url, "sha256": self.archive.sha256}
        variables = {
            "provision_roles": ["qdrant"],
            "ansible_host": str(self.host.address),
            "ansible_user": self.host.user,
            "ansible_ssh_private_key_file": self.host.private_key,
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={self.host.known_hosts} -o StrictHostKeyChecking=yes",
            "qdrant_release_id": release,
            "qdrant_artifacts": [{**locked, **changed}],
            "qdrant_address": str(self.host.address),
            "qdrant_api_key": KEY,
            "qdrant_read_only_api_key": f"{KEY} to read",
        }
        self.workspace.inventory.mkdir(parents=True, exist_ok=True)
        (self.workspace.inventory / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"data": variables}}}))
        require_success(execute.run_playbook(self.workspace, execute.Playbook(name="site"), lambda _: None))

    def state(self) -> dict[str, Any]:
        """What must not change while an update fails: when the unit started, its release, and the data."""
        shown = self.tell("systemctl show qdrant --property=ActiveEnterTimestampMonotonic,NRestarts,ActiveState")
        count = self.ask("POST", "/collections/kept/points/count", {"exact": True})["result"]["count"]
        return {"unit": shown, "current": self.tell("readlink /opt/qdrant/current"), "points": count}

    def ask(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        url = f"http://{self.host.address}:6333{path}"
        answer = httpx.request(method, url, json=body, headers={"api-key": KEY}, trust_env=False, timeout=10)
        answer.raise_for_status()
        return dict(answer.json())


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    """A guest whose /opt/qdrant is a disk of its own, with the release `old` and one point."""
    with lab_home_folder() as home, pytest.MonkeyPatch.context() as patch:
        recipe = stand_in_recipe("qdrant")
        archive = ensure_bundle(recipe, f"qdrant-{release_id(recipe)}", "/opt/stand-in")
        _shorten(home, patch)
        try:
            state = ensure_lab(LAB)
            with serve_faulty(archive.path.read_bytes(), str(state.gateway)) as server:
                made = Guest(state.hosts[0], Workspace(home / "clients" / "downloads", "lab"), server, archive)
                made.tell("mkdir -p /opt/qdrant && mount -t tmpfs -o size=900m tmpfs /opt/qdrant")
                made.install("old")
                made.ask("PUT", "/collections/kept", {"vectors": {"size": 2, "distance": "Cosine"}})
                made.ask("PUT", "/collections/kept/points?wait=true", {"points": [{"id": 1, "vector": [1.0, 0.0]}]})
                yield made
        finally:
            destroy_lab(LAB.name)


def _shorten(home: Path, patch: pytest.MonkeyPatch) -> None:
    """The modules' own code with shorter times, in a copy that Ansible is pointed at."""
    copied = home / "module_utils"
    shutil.copytree(REPOSITORY / "plugins" / "module_utils", copied)
    fetching = copied / "provision_fetch.py"
    text = fetching.read_text()
    for long, short in SHORTER:
        assert long in text
        text = text.replace(long, short)
    fetching.write_text(text)
    patch.setattr(
        execute,
        "ansible_environment",
        lambda *given, **named: {**ansible_environment(*given, **named), "ANSIBLE_MODULE_UTILS": str(copied)},
    )


@contextmanager
def refused(guest: Guest, said: str) -> Iterator[None]:
    """What is in the block fails as exit 6 with what, where and hint; the old release serves, never restarted."""
    before = guest.state()
    with pytest.raises(ErrorGroup) as told:
        yield
    error = told.value.errors[0]
    assert told.value.exit_code == ExitCode.RUN_FAILED
    assert said in error.what
    assert error.where == "data, task 'Release in place and current' of role release"
    assert not error.hint.startswith("log:"), "the next step comes first"
    assert guest.state() == before
    assert guest.tell("ls /opt/qdrant/releases") == "old"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("corrupt", "thrown away"),
        ("truncated", "thrown away"),
        ("cut", "bytes early (tried 4 times)"),
        ("slow", "less than 4096"),
        ("503", "the server answers 503"),
        ("404", "the server answers 404"),
    ],
)
def test_faulty_server(guest: Guest, fault: str, said: str) -> None:
    guest.server.fault = fault
    with refused(guest, said):
        guest.install("new")


def test_server_that_is_down(guest: Guest) -> None:
    with refused(guest, "refused"):
        guest.install("new", url=f"http://{guest.server.server_address[0]!s}:{closed_port()}/file")


def test_server_with_broken_tls(guest: Guest) -> None:
    with refused(guest, "SSL"):
        guest.install("new", url=guest.server.url.replace("http:", "https:"))


def test_wrong_checksum_in_the_lock(guest: Guest) -> None:
    guest.server.fault = ""
    with refused(guest, f"{'0' * 64} is pinned"):
        guest.install("new", sha256="0" * 64)


def test_disk_that_has_no_room_for_the_archive(guest: Guest) -> None:
    guest.server.fault = ""
    guest.tell("rm -rf /opt/qdrant/.downloads")
    with _room(guest, guest.archive.size_bytes // 2**20 - 2), refused(guest, "MiB free"):
        guest.install("new")


def test_disk_that_is_full_while_it_is_unpacked(guest: Guest) -> None:
    guest.server.fault = ""
    with _room(guest, guest.archive.size_bytes // 2**20 + 10):
        with refused(guest, "the disk of /opt/qdrant is full"):
            guest.install("new")
        assert int(guest.tell("df --output=avail -m /opt/qdrant | tail -1")) >= 5, "the half release was removed"


@contextmanager
def _room(guest: Guest, mib: int) -> Iterator[None]:
    """That much is free for the time of the block."""
    free = int(guest.tell("df --output=avail -m /opt/qdrant | tail -1"))
    guest.tell(f"fallocate --length {free - mib}MiB /opt/qdrant/.filler")
    try:
        yield
    finally:
        guest.tell("rm /opt/qdrant/.filler")


def test_next_run_mends_it_from_a_mirror_and_a_reset_is_gone_on_with(guest: Guest, tmp_path: Path) -> None:
    """Last: a reset connection is resumed, then the rest is asked of `provision mirror serve`."""
    before = guest.state()
    guest.tell("rm -rf /opt/qdrant/.downloads")
    guest.server.ranges.clear()
    guest.server.fault = "reset"
    guest.install("new")
    first, second = guest.server.ranges
    assert first is None
    assert 0 < int(str(second).removeprefix("bytes=").rstrip("-")) <= guest.archive.size_bytes // 2
    after = guest.state()
    assert (after["current"], after["points"]) == ("releases/new", before["points"])
    assert after["unit"] != before["unit"]
    with _mirror(guest, tmp_path) as base:
        guest.install("newer", url=f"{base}/sha256/{guest.archive.sha256}")
    assert guest.state()["current"] == "releases/newer"
    assert guest.tell("ls /opt/qdrant/releases") == "new\nnewer"


@contextmanager
def _mirror(guest: Guest, cache: Path) -> Iterator[str]:
    """The verb itself, on the lab's bridge, with that one file in its cache."""
    (cache / "downloads").mkdir()
    shutil.copy(guest.archive.path, cache / "downloads" / guest.archive.sha256)
    address = str(guest.server.server_address[0])
    listen = f"{address}:{closed_port(address)}"
    argv = [sys.executable, "-m", "provision.cli.main", "mirror", "serve", "--listen", listen]
    serving = subprocess.Popen(argv, env={**os.environ, "PROVISION_CACHE": str(cache)}, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection((address, int(listen.rsplit(":", 1)[1])), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "the mirror does not listen"
                time.sleep(0.1)
        yield f"http://{listen}"
    finally:
        serving.terminate()
        serving.wait(10)


def test_full_disk_of_the_controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle, since the server does not tell the length: what came is removed, and the next run mends."""
    content = os.urandom(3 * 2**20)
    cache = tmp_path / "cache"
    monkeypatch.setenv("PROVISION_CACHE", str(cache))
    with small_disk(cache, 2048), serve_faulty(content) as server:
        server.fault = "unsized"
        pinned = Checksum(algorithm="sha256", hex=sha256(content).hexdigest())
        known = artifact("qdrant", None).model_copy(update={"url": server.url, "checksum": pinned})
        with pytest.raises(ProvisionError, match="No space left on device") as told:
            mirror.fetch_pinned(known, lambda _: None)
        assert (told.value.exit_code, told.value.where) == (ExitCode.SETUP_BROKEN, str(cache / "downloads"))
        assert not list((cache / "downloads").iterdir())
        resize(cache, 8192)
        assert mirror.fetch_pinned(known, lambda _: None).outcome == "fetched"

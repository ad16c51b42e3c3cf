"""Bundles from real builder guests, the mirror as a guest sees it, plain hosts, and a firewall that drops."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from provision.errors import SetupError
from provision.lab.bundles import ensure_bundle
from provision.lab.hosts import ensure_hosts
from provision.lab.lab import destroy_all_labs, destroy_lab, ensure_lab, list_labs
from provision.lab.mirror import serve_mirror
from provision.lab.network import taken_networks
from provision.lab.readiness import ssh_argv
from provision.lab.requirements import missing_requirements
from provision.models.lab import LabGuest, LabHost, LabSpec
from provision.places import find_cache
from tests.lab.lab_home import lab_home_folder

pytestmark = [pytest.mark.lab, pytest.mark.skipif(bool(missing_requirements()), reason="no lab on this machine")]

RECIPE = """set -euo pipefail
dest=$1
mkdir -p "$dest/bin"
python3 -m venv "$TMPDIR/venv"
"$TMPDIR/venv/bin/pip" download -q --no-deps --no-binary :none: -d "$TMPDIR" iniconfig==2.1.0
cp "$TMPDIR"/iniconfig-2.1.0-*.whl "$dest/"
cp "$(dirname "$0")/input" "$dest/bin/program"
chmod 4755 "$dest/bin/program"
ln -s bin/program "$dest/link"
chown daemon "$dest/bin"
echo built in "$(hostname)"
"""
FAILING = "echo first words\nfor n in $(seq 30); do echo line $n; done\necho the reason >&2\nexit 3\n"


@pytest.fixture
def home() -> Iterator[Path]:
    with lab_home_folder() as folder:
        try:
            yield folder
        finally:
            destroy_all_labs()


def write_recipe(folder: Path, script: str) -> Path:
    folder.mkdir()
    (folder / "build.sh").write_text(script)
    (folder / "input").write_text("content")
    return folder


def release_of(tmp_path: Path) -> str:
    """A release id of this run's own: the cache is the machine's."""
    return f"0-test-{sha256(str(tmp_path).encode()).hexdigest()[:12]}"


@contextmanager
def forgotten(release: str) -> Iterator[None]:
    try:
        yield
    finally:
        for path in (find_cache() / "bundles").glob(f"{release}.*"):
            path.unlink()


def test_bundle_is_built_once_and_holds_the_release(home: Path, tmp_path: Path) -> None:
    recipe, release = write_recipe(tmp_path / "recipe", RECIPE), release_of(tmp_path)
    with forgotten(release):
        built = ensure_bundle(recipe, release, f"/opt/thing/releases/{release}")
        assert built.size_bytes == built.path.stat().st_size
        assert sha256(built.path.read_bytes()).hexdigest() == built.sha256
        plain = tmp_path / "bundle.tar"
        subprocess.run(["zstd", "-q", "-d", str(built.path), "-o", str(plain)], check=True)
        with tarfile.open(plain) as archive:
            entries = {entry.name: entry for entry in archive}
        assert set(entries) >= {".", "./bin", "./bin/program", "./link", "./iniconfig-2.1.0-py3-none-any.whl"}
        assert (entries["./bin/program"].uid, entries["./bin/program"].mode) == (0, 0o4755)
        assert entries["./bin"].uid == 1, "the guest's own ids, not this machine's shifted ones"
        assert "built in builder" in built.path.with_name(f"{release}.log").read_text()
        assert list_labs() == ()
        said: list[str] = []
        assert ensure_bundle(recipe, release, f"/opt/thing/releases/{release}", said.append) == built
        assert said == []
    assert list(home.iterdir()) == []


@pytest.mark.usefixtures("home")
def test_failing_recipe_tells_its_last_lines_and_leaves_no_guest(tmp_path: Path) -> None:
    recipe, release = write_recipe(tmp_path / "recipe", FAILING), release_of(tmp_path)
    with forgotten(release):
        with pytest.raises(SetupError) as failed:
            ensure_bundle(recipe, release, f"/opt/thing/releases/{release}")
        assert failed.value.what.endswith("the reason")
        assert "first words" not in failed.value.what
        log = Path(failed.value.where.removeprefix("the whole log is "))
        assert log.read_text().startswith("first words\n")
        assert not (find_cache() / "bundles" / f"{release}.tar.zst").exists()
    assert list_labs() == ()


def told(host: LabHost, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ssh_argv(host, command), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False
    )


@pytest.mark.usefixtures("home")
def test_hosts_grow_and_shrink_on_one_network_and_fetch_from_the_mirror(tmp_path: Path) -> None:
    name = "t-lab-hosts"
    two = ensure_hosts(name, 2)
    assert [host.name for host in two.hosts] == ["h1", "h2"]
    assert two.network.subnet_of(IPv4Network("10.98.0.0/16"))
    one = ensure_hosts(name, 1)
    assert one.network == two.network
    assert told(one.hosts[0], "true").returncode == 0
    content = b"an artifact" * 1000
    wanted = sha256(content).hexdigest()
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / wanted).write_bytes(content)
    with serve_mirror(tmp_path, str(one.gateway), 0) as url:
        assert told(one.hosts[0], f"curl -fsS {url}/sha256/{wanted} | sha256sum").stdout.split()[0] == wanted
    destroy_lab(name)


@pytest.mark.parametrize("count", [0, -1, 201])
def test_absurd_counts_are_refused(count: int) -> None:
    with pytest.raises(SetupError, match="cannot be made"):
        ensure_hosts("t-lab-hosts", count)


@contextmanager
def dropping_firewall(network: IPv4Network) -> Iterator[None]:
    """A policy as Docker and ufw set it; it lets other networks pass, since other labs may be at work here."""
    rules = f"""
    table ip t_lab_firewall {{
      chain forward {{
        type filter hook forward priority filter; policy drop;
        ip saddr != {network} ip daddr != {network} accept
      }}
    }}
    """
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "ip", "t_lab_firewall"], check=True)


@pytest.mark.usefixtures("home")
def test_a_dropping_forward_policy_is_passed_and_left_as_it_was() -> None:
    network = IPv4Network("10.91.6.0/24")
    spec = LabSpec(name="t-lab-wall", network=network, guests=(LabGuest(name="a", address=network[10]),))
    with dropping_firewall(network):
        before = subprocess.run(
            ["nft", "list", "table", "ip", "t_lab_firewall"], capture_output=True, check=True
        ).stdout
        state = ensure_lab(spec)
        ensure_lab(spec)
        during = subprocess.run(
            ["nft", "list", "table", "ip", "t_lab_firewall"], capture_output=True, text=True, check=True
        ).stdout
        assert during.count('comment "provision_t-lab-wall"') == 2
        assert told(state.hosts[0], "apt-get update -q").returncode == 0
        destroy_lab(spec.name)
        after = subprocess.run(["nft", "list", "table", "ip", "t_lab_firewall"], capture_output=True, check=True).stdout
        assert after == before
    assert network not in [taken for taken, _ in taken_networks()]

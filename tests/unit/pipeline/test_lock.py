"""`lock --update` writes only what upstream both publishes and serves; every way of failing leaves the lock alone."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from provision.catalog import node_artifacts
from provision.errors import SetupError, UnreachableError, UsageError
from provision.pipeline import lock
from tests.unit.pipeline.upstream import CONTENT, NEWER, Upstream, publish, serve_upstream, write_shipped

SHA256 = hashlib.sha256(CONTENT).hexdigest()
GIT_ID = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "node-artifacts.yml"
    monkeypatch.setattr(node_artifacts, "SHIPPED", (path,))
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(lock, "_TIMEOUT", httpx.Timeout(0.5))
    return path


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serve_upstream() as server:
        publish(server, "1.0", CONTENT)
        yield server


def only_error(update: lock.Update, words: str) -> None:
    assert not update.changes
    assert len(update.errors) == 1
    error = update.errors[0]
    assert words in error.what
    assert error.where
    assert error.hint
    assert not lock.overlay_file().exists()


def test_unresolved_files_are_filled_from_both_kinds_of_list(upstream: Upstream, shipped: Path) -> None:
    write_shipped(shipped, upstream.url)
    assert [entry.status for entry in lock.list_locked()] == ["unresolved", "unresolved"]
    update = lock.update_lock()
    assert not update.errors
    assert [(c.name, c.outcome, c.before, c.size_bytes) for c in update.changes] == [
        ("driver", "filled", None, len(CONTENT)),
        ("template", "filled", None, len(CONTENT)),
    ]
    driver, template = lock.list_locked()
    assert driver.checksum.hex == SHA256
    assert template.checksum.hex == hashlib.sha512(CONTENT).hexdigest()
    for entry in (driver, template):
        node_artifacts.require_resolved(entry)
        assert entry.size_bytes == len(CONTENT)
        assert entry.sources[0].startswith(entry.resolve.url)
        assert "plain http" in entry.sources[0]


def test_a_pin_that_upstream_publishes_too_is_confirmed(upstream: Upstream, shipped: Path) -> None:
    write_shipped(shipped, upstream.url, pinned=CONTENT)
    update = lock.update_lock("driver")
    assert [(c.outcome, c.before, c.after) for c in update.changes] == [("confirmed", SHA256, SHA256)]
    assert set(json.loads(lock.overlay_file().read_text())) == {"driver"}
    assert lock.overlay_file().stat().st_mode & 0o777 == 0o600


def test_upstream_that_publishes_another_checksum_than_the_pin_is_refused(upstream: Upstream, shipped: Path) -> None:
    write_shipped(shipped, upstream.url, pinned=NEWER)
    update = lock.update_lock("driver")
    only_error(update, SHA256)
    assert hashlib.sha256(NEWER).hexdigest() in update.errors[0].what
    assert upstream.asked == ["/1.0/driver-1.0.run.sha256sum"], "the file itself is not fetched any more"


def test_a_file_that_is_not_what_is_published_is_refused(upstream: Upstream, shipped: Path) -> None:
    publish(upstream, "1.0", CONTENT, listed=NEWER)
    write_shipped(shipped, upstream.url)
    only_error(lock.update_lock("driver"), "is not what upstream publishes")


def test_a_file_that_ends_too_early_is_refused(upstream: Upstream, shipped: Path) -> None:
    upstream.cut.add("/1.0/driver-1.0.run")
    write_shipped(shipped, upstream.url)
    update = lock.update_lock("driver")
    only_error(update, "cannot be fetched")
    assert isinstance(update.errors[0], UnreachableError)


@pytest.mark.parametrize("path", ["/1.0/driver-1.0.run", "/1.0/driver-1.0.run.sha256sum"])
def test_404_names_the_address(path: str, upstream: Upstream, shipped: Path) -> None:
    del upstream.files[path]
    write_shipped(shipped, upstream.url)
    update = lock.update_lock("driver")
    only_error(update, "404")
    assert update.errors[0].where == upstream.url + path


@pytest.mark.parametrize("path", ["/1.0/driver-1.0.run", "/1.0/driver-1.0.run.sha256sum"])
def test_silence_is_a_timeout(path: str, upstream: Upstream, shipped: Path) -> None:
    upstream.silent.add(path)
    write_shipped(shipped, upstream.url)
    only_error(lock.update_lock("driver"), "in time")


@pytest.mark.parametrize("listed", [b"", b"<html>log in first</html>", SHA256[:-1].encode() + b"  driver-1.0.run\n"])
def test_a_list_without_the_file_is_refused(listed: bytes, upstream: Upstream, shipped: Path) -> None:
    upstream.files["/1.0/driver-1.0.run.sha256sum"] = listed
    write_shipped(shipped, upstream.url)
    only_error(lock.update_lock("driver"), "no checksums of driver-1.0.run")


def test_a_list_with_two_answers_is_refused(upstream: Upstream, shipped: Path) -> None:
    upstream.files["/1.0/driver-1.0.run.sha256sum"] += b"f" * 64 + b" *driver-1.0.run\n"
    write_shipped(shipped, upstream.url)
    only_error(lock.update_lock("driver"), "2 checksums")


def test_an_endless_list_is_refused(upstream: Upstream, shipped: Path) -> None:
    upstream.files["/1.0/driver-1.0.run.sha256sum"] = b"x" * (4 * 2**20 + 1)
    write_shipped(shipped, upstream.url)
    only_error(lock.update_lock("driver"), "longer than 4 MiB")


def test_a_mirror_may_be_redirected_to(upstream: Upstream, shipped: Path) -> None:
    upstream.files["/mirror"] = upstream.files.pop("/1.0/driver-1.0.run")
    upstream.redirects["/1.0/driver-1.0.run"] = f"{upstream.url}/mirror"
    write_shipped(shipped, upstream.url)
    assert [change.after for change in lock.update_lock("driver").changes] == [SHA256]


def test_https_is_not_redirected_to_plain_http() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.scheme == "https":
            return httpx.Response(302, headers={"Location": "http://mirror.example/file"})
        return httpx.Response(200, content=CONTENT)

    with httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=True) as client:
        with pytest.raises(UnreachableError, match="plain"), lock._get(client, "https://upstream.example/file"):
            pass
        with lock._get(client, "http://upstream.example/file") as response:
            assert response.read() == CONTENT


def test_one_failure_does_not_lose_what_the_others_found(upstream: Upstream, shipped: Path) -> None:
    del upstream.files["/aplinfo.dat"]
    write_shipped(shipped, upstream.url)
    update = lock.update_lock()
    assert [change.name for change in update.changes] == ["driver"]
    assert len(update.errors) == 1
    assert [entry.status for entry in lock.list_locked()] == ["resolved", "unresolved"]


def test_another_version_is_pinned_by_name_and_stays_until_it_is_taken_back(upstream: Upstream, shipped: Path) -> None:
    publish(upstream, "2.0-1", NEWER)
    write_shipped(shipped, upstream.url, pinned=CONTENT)
    (change,) = lock.update_lock("driver", "2.0-1").changes
    assert (change.outcome, change.version_before, change.version) == ("replaced", "1.0", "2.0-1")
    (driver,) = lock.list_locked("driver")
    assert driver.version == "2.0-1"
    assert driver.url == f"{upstream.url}/2.0-1/driver-2.0-1.run"
    assert driver.checksum.hex == hashlib.sha256(NEWER).hexdigest()
    assert [c.outcome for c in lock.update_lock("driver").changes] == ["confirmed"]
    assert lock.list_locked("driver")[0].version == "2.0-1"
    (back,) = lock.update_lock("driver", "1.0").changes
    assert (back.outcome, back.after) == ("replaced", SHA256)
    assert lock.list_locked("driver")[0].version == "1.0"


def test_going_back_to_the_shipped_version_holds_the_shipped_pin(upstream: Upstream, shipped: Path) -> None:
    publish(upstream, "2.0", NEWER)
    write_shipped(shipped, upstream.url, pinned=CONTENT)
    lock.update_lock("driver", "2.0")
    publish(upstream, "1.0", b"tampered")
    update = lock.update_lock("driver", "1.0")
    assert not update.changes
    assert SHA256 in update.errors[0].what
    assert lock.list_locked("driver")[0].version == "2.0"


@pytest.mark.parametrize("version", ["../../etc", "", "2.0/../1", "x"])
def test_a_version_is_no_path(version: str, upstream: Upstream, shipped: Path) -> None:
    write_shipped(shipped, upstream.url)
    only_error(lock.update_lock("driver", version), "is no version")
    assert not upstream.asked


def test_unknown_names_and_a_pin_without_a_name_are_usage_errors(shipped: Path) -> None:
    write_shipped(shipped, "http://127.0.0.1:9")
    with pytest.raises(UsageError, match="drivers"):
        lock.update_lock("drivers")
    with pytest.raises(UsageError, match="--pin"):
        lock.update_lock(None, "2.0")


def test_a_lock_that_cannot_be_written_is_explained(upstream: Upstream, shipped: Path, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    write_shipped(shipped, upstream.url)
    with pytest.raises(SetupError, match="cannot be"):
        lock.update_lock("driver")


def test_the_shipped_addresses_are_asked_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real addresses up to the resolver: no name is looked up on any network."""
    data = Path(node_artifacts.__file__).parent / "data"
    kinds = ("node-artifacts", "service-artifacts", "model-files", "checkpoint-files")
    monkeypatch.setattr(node_artifacts, "SHIPPED", tuple(data / f"{kind}.yml" for kind in kinds))
    published = [urlsplit(entry.resolve.url) for entry in lock.list_locked()]
    assert {"download.nvidia.com", "download.proxmox.com", "cloud.debian.org"} <= {url.hostname for url in published}
    asked = []

    def refuse(host: str, port: int, *_: object, **__: object) -> None:
        asked.append((host, port))
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    update = lock.update_lock()
    assert asked == [(url.hostname, 80 if url.scheme == "http" else 443) for url in published]
    assert [type(error) for error in update.errors] == [UnreachableError] * len(published)
    assert not lock.overlay_file().exists()


def test_a_small_file_of_the_hub_that_is_another_one_is_refused(upstream: Upstream, shipped: Path) -> None:
    """The hub tells its id in git alone: the pin is compared with the file once it is there."""
    listed = json.dumps([{"path": "driver-1.0.run", "oid": GIT_ID, "size": len(CONTENT)}])
    publish_as(upstream, shipped, "huggingface", listed, pinned=NEWER)
    only_error(lock.update_lock("driver"), hashlib.sha256(NEWER).hexdigest())
    publish_as(upstream, shipped, "huggingface", listed.replace(GIT_ID, "0" * 40))
    only_error(lock.update_lock("driver"), "is not what upstream publishes")


def test_a_file_of_tiktoken_is_compared_with_its_program(upstream: Upstream, shipped: Path) -> None:
    text = f'load(\n    "{upstream.url}/1.0/driver-1.0.run",\n    expected_hash="{SHA256}",\n)'
    publish_as(upstream, shipped, "tiktoken", text)
    assert [change.after for change in lock.update_lock().changes] == [SHA256]


def publish_as(upstream: Upstream, shipped: Path, form: str, listed: str, pinned: bytes | None = None) -> None:
    """The driver, whose checksum upstream publishes in another form."""
    write_shipped(shipped, upstream.url, pinned=pinned)
    entries = yaml.safe_load(shipped.read_text())
    entries["driver"]["resolve"] = {"url": f"{upstream.url}/1.0/list", "format": form}
    shipped.write_text(yaml.safe_dump({"driver": entries["driver"]}))
    upstream.files["/1.0/list"] = listed.encode()


@pytest.mark.parametrize(
    ("form", "listed"),
    [
        ("single", f"{SHA256}\n"),
        ("single", f"{SHA256}  driver-1.0.run\n"),
        ("huggingface", json.dumps([{"path": "x"}, {"path": "driver-1.0.run", "lfs": {"oid": SHA256}}])),
        ("huggingface", json.dumps([{"path": "driver-1.0.run", "oid": GIT_ID, "size": len(CONTENT)}])),
        ("github", json.dumps({"assets": [{"name": "x"}, {"name": "driver-1.0.run", "digest": f"sha256:{SHA256}"}]})),
    ],
    ids=["alone", "with its name", "hub", "small on the hub", "GitHub release"],
)  # fmt: skip
def test_other_forms_of_publishing(upstream: Upstream, shipped: Path, form: str, listed: str) -> None:
    publish_as(upstream, shipped, form, listed)
    update = lock.update_lock()
    assert not update.errors
    assert [change.after for change in update.changes] == [SHA256]


@pytest.mark.parametrize(
    ("form", "listed"),
    [
        ("single", f"{SHA256}  another.run\n"),
        ("single", f"{SHA256}\n{SHA256}\n"),
        ("single", "<html>not here</html>"),
        ("huggingface", "[1]"),
        ("huggingface", json.dumps([{"path": "driver-1.0.run", "oid": SHA256}])),
        ("github", "not JSON"),
        ("github", "[]"),
        ("github", json.dumps({"assets": [{"name": "driver-1.0.run", "digest": None}]})),
        ("github", json.dumps({"assets": [{"name": "driver-1.0.run", "digest": f"sha512:{SHA256}"}]})),
    ],
)
def test_other_forms_that_do_not_name_the_file(upstream: Upstream, shipped: Path, form: str, listed: str) -> None:
    publish_as(upstream, shipped, form, listed)
    only_error(lock.update_lock(), "checksums of driver-1.0.run")

"""The artifact mirror over real HTTP on loopback."""

from __future__ import annotations

import hashlib
import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from provision.errors import SetupError
from provision.lab.mirror import serve_mirror

MODEL = b"weights" * 1000
BUNDLE = b"a packed release"
MODEL_HEX = hashlib.sha256(MODEL).hexdigest()
BUNDLE_HEX = hashlib.sha256(BUNDLE).hexdigest()
SECRET_HEX = "5" * 64


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    cache = tmp_path / "cache"
    (cache / "downloads").mkdir(parents=True)
    (cache / "bundles").mkdir()
    (cache / "downloads" / MODEL_HEX).write_bytes(MODEL)
    (cache / "bundles" / "n8n-1-abc.tar.zst").write_bytes(BUNDLE)
    (cache / "bundles" / "n8n-1-abc.sha256").write_text(f"{BUNDLE_HEX}  16 bytes 0 ns\n")
    (tmp_path / "secret").write_text("secret")
    (cache / "downloads" / SECRET_HEX).symlink_to(tmp_path / "secret")
    return cache


@pytest.fixture
def mirror(cache: Path) -> Iterator[str]:
    with serve_mirror(cache, "127.0.0.1", 0) as url:
        yield url


@pytest.mark.parametrize(("wanted", "content"), [(MODEL_HEX, MODEL), (BUNDLE_HEX, BUNDLE)])
def test_files_are_served_by_their_sha256(mirror: str, wanted: str, content: bytes) -> None:
    answer = httpx.get(f"{mirror}/sha256/{wanted}", trust_env=False)
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == wanted
    assert answer.headers["content-length"] == str(len(content))


def test_rest_of_a_file_that_broke_off(mirror: str) -> None:
    url = f"{mirror}/sha256/{MODEL_HEX}"
    rest = httpx.get(url, headers={"Range": "bytes=5000-"}, trust_env=False)
    assert (rest.status_code, rest.content) == (206, MODEL[5000:])
    assert rest.headers["content-range"] == f"bytes 5000-{len(MODEL) - 1}/{len(MODEL)}"
    assert httpx.get(url, headers={"Range": f"bytes={len(MODEL)}-"}, trust_env=False).status_code == 416
    other = httpx.get(url, headers={"Range": "bytes=-5"}, trust_env=False)
    assert (other.status_code, other.content) == (200, MODEL), "a range that it does not know is no range"


def test_head_has_the_length_and_no_body(mirror: str) -> None:
    answer = httpx.head(f"{mirror}/sha256/{MODEL_HEX}", trust_env=False)
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, str(len(MODEL)), b"")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/sha256/",
        "/sha256",
        "/downloads/",
        f"/downloads/{MODEL_HEX}",
        f"/sha256/{MODEL_HEX.upper()}",
        f"/sha256/{MODEL_HEX}/",
        f"/sha256/{MODEL_HEX}?x=1",
        f"/sha256/{'0' * 64}",
        f"/sha256/{SECRET_HEX}",
        "/sha256/../../secret",
        "/sha256/..%2f..%2fsecret",
        f"/sha256/../sha256/{MODEL_HEX}",
        "/bundles/n8n-1-abc.tar.zst",
    ],
)
def test_nothing_else_is_served(mirror: str, path: str) -> None:
    """By http.client, which sends the path as it is; other clients tidy `..` away."""
    connection = http.client.HTTPConnection(mirror.removeprefix("http://"), timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 404
    assert b"secret" not in body.lower().replace(path.encode(), b"")


def test_writing_is_refused(mirror: str) -> None:
    assert httpx.put(f"{mirror}/sha256/{MODEL_HEX}", content=b"x", trust_env=False).status_code == 501


def test_port_is_free_again_and_a_taken_one_is_refused(cache: Path) -> None:
    with serve_mirror(cache, "127.0.0.1", 0) as url:
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(SetupError) as refused, serve_mirror(cache, "127.0.0.1", port):
            pass
        assert str(port) in refused.value.where
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)
    with serve_mirror(cache, "127.0.0.1", port):
        pass

"""A stand-in of an upstream web server on the loopback, with the ways in which one fails."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from provision.models.artifact import Algorithm

CONTENT = b"the driver, in short\n" * 4000
NEWER = b"a newer one\n"


class Upstream(ThreadingHTTPServer):
    """`files` by path. A path in `cut` ends in the middle, one in `silent` never answers, others are 404."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.cut: set[str] = set()
        self.silent: set[str] = set()
        self.closing = threading.Event()
        self.asked: list[str] = []
        self.last_modified = "Sun, 01 Nov 2020 10:00:00 GMT"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Upstream

    def do_GET(self) -> None:
        upstream, path = self.server, self.path
        upstream.asked.append(path)
        if path in upstream.silent:
            upstream.closing.wait(10)
            return
        if path in upstream.redirects:
            self.send_response(302)
            self.send_header("Location", upstream.redirects[path])
            self.end_headers()
            return
        if path not in upstream.files:
            self.send_error(404)
            return
        content = upstream.files[path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        if upstream.last_modified:
            self.send_header("Last-Modified", upstream.last_modified)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if path in upstream.cut else content)

    def log_message(self, *_: Any) -> None:
        """Silent."""


@contextmanager
def serve_upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        thread = threading.Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield upstream
        finally:
            upstream.closing.set()
            upstream.shutdown()
            thread.join()


def publish(upstream: Upstream, version: str, content: bytes, listed: bytes | None = None) -> None:
    """The driver of a version with its list, and a template with its index; `listed`: what the lists are made of."""
    listed = content if listed is None else listed
    driver, template = f"/{version}/driver-{version}.run", f"/system/template_{version}_amd64.tar.zst"
    upstream.files[driver] = upstream.files[template] = content
    sums = f"{'0' * 64}  driver-{version}.run.old\n{hashlib.sha256(listed).hexdigest()}  driver-{version}.run\n"
    upstream.files[f"{driver}.sha256sum"] = sums.encode()
    index = (
        f"Package: other\nVersion: 1\nLocation: system/other_1_amd64.tar.zst\nsha512sum: {'1' * 128}\n\n"
        f"Package: template\nVersion: {version}\nType: lxc\nSection: system\nLocation: {template[1:]}\n"
        f"md5sum: {'2' * 32}\nsha512sum: {hashlib.sha512(listed).hexdigest()}\n"
        "Description: a template\n A small system including all standard packages.\n"
    )
    upstream.files["/aplinfo.dat"] = index.encode()


def write_shipped(path: Path, base: str, version: str = "1.0", pinned: bytes | None = None) -> None:
    """What would be shipped: both files of the upstream, pinned to what `pinned` hashes to, or unresolved."""
    driver = f"{base}/{version}/driver-{version}.run"
    entries = {
        "driver": _entry("driver", version, driver, "sha256", pinned, f"{driver}.sha256sum", "sums"),
        "template": _entry(
            "template", version, f"{base}/system/template_{version}_amd64.tar.zst", "sha512", pinned,
            f"{base}/aplinfo.dat", "aplinfo",
        ),
    }  # fmt: skip
    path.write_text(yaml.safe_dump(entries, sort_keys=False))


def _entry(
    name: str, version: str, url: str, algorithm: Algorithm, pinned: bytes | None, list_url: str, form: str
) -> dict[str, Any]:
    digest = hashlib.new(algorithm, pinned).hexdigest() if pinned is not None else None
    return {
        "name": name,
        "version": version,
        "file": url.rsplit("/", 1)[1],
        "url": url,
        "checksum": {"algorithm": algorithm, "hex": digest},
        "size_bytes": None,
        "licence": "none",
        "sources": ["somebody/recipes driver/template at 0000"] if digest else [],
        "status": "resolved" if digest else "unresolved",
        "resolve": {"url": list_url, "format": form},
    }

"""The artifact mirror: files of the cache, asked for by their sha256, on the lab's own bridge."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from provision.errors import SetupError

REQUEST = re.compile(r"/sha256/([0-9a-f]{64})")
FROM = re.compile(r"bytes=([0-9]{1,15})-")
"""The one kind of range that is needed: the rest of a file that broke off."""
BLOCK = 1024 * 1024


@contextmanager
def serve_mirror(directory: Path, address: str, port: int) -> Iterator[str]:
    """Serve `GET /sha256/<hex>` from the cache `directory` for the time of the context; yields the mirror's url.

    Port 0 takes a free one. Raises SetupError when the address or port cannot be had.
    """

    class Handler(_Handler):
        cache = directory

    try:
        server = ThreadingHTTPServer((address, port), Handler)
    except OSError as error:
        raise SetupError(
            f"the artifact mirror cannot listen: {error.strerror}",
            where=f"{address} port {port}",
            hint="is another run of this lab still going? see `ss -ltnp`",
        ) from error
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{address}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def find_content(cache: Path, sha256: str) -> Path | None:
    """The cache's file of that sha256: a download, which is named by it, or a bundle, whose checksum file says it."""
    download = cache / "downloads" / sha256
    if download.is_file() and not download.is_symlink():
        return download
    for seal in (cache / "bundles").glob("*.sha256"):
        bundle = seal.with_name(seal.name.replace(".sha256", ".tar.zst"))
        if seal.read_text().split(" ", 1)[0] == sha256 and bundle.is_file() and not bundle.is_symlink():
            return bundle
    return None


class _Handler(BaseHTTPRequestHandler):
    """Answers for 64 hex digits and nothing else, so no path of a request ever reaches the file system."""

    cache: Path
    protocol_version = "HTTP/1.1"
    server_version = "provision"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the run's own log names what each machine fetched."""

    def _answer(self, *, with_body: bool) -> None:
        asked = REQUEST.fullmatch(self.path)
        found = find_content(self.cache, asked.group(1)) if asked else None
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        resumed = FROM.fullmatch(self.headers.get("Range", ""))
        with found.open("rb") as source:
            size = found.stat().st_size
            start = int(resumed.group(1)) if resumed else 0
            if resumed and start >= size:
                self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                return
            self.send_response(HTTPStatus.PARTIAL_CONTENT if resumed else HTTPStatus.OK)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(size - start))
            if resumed:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            self.end_headers()
            source.seek(start)
            if with_body:
                shutil.copyfileobj(source, self.wfile, BLOCK)

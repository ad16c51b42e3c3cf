"""A stand-in of a container registry: one image for two platforms, by the distribution API's pull routes.

Routes and media types: opencontainers/distribution-spec and image-spec, version 1.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

REPOSITORY = "firm/tool"
_OCI = "application/vnd.oci.image"
_INDEX, _MANIFEST = f"{_OCI}.index.v1+json", f"{_OCI}.manifest.v1+json"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Registry:
    """`blobs` and `manifests` by digest; `index` is the digest that people pin. `asked`: every path, in order."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []
        self.configs = {platform: self._add_platform(platform) for platform in ("amd64", "arm64")}
        listed = [
            {
                "mediaType": _MANIFEST,
                "digest": manifest,
                "size": len(self.manifests[manifest][1]),
                "platform": {"os": "linux", "architecture": platform},
            }
            for platform, (manifest, _) in self.configs.items()
        ]
        self.index = self._add_manifest(_INDEX, {"schemaVersion": 2, "mediaType": _INDEX, "manifests": listed})

    def _add_platform(self, platform: str) -> tuple[str, str]:
        """Digests of its manifest and its configuration."""
        layer = _pack({"platform": platform.encode()})
        packed = gzip.compress(layer, mtime=0)
        config = json.dumps(
            {
                "os": "linux",
                "architecture": platform,
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
            }
        ).encode()
        document = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._add_blob(f"{_OCI}.config.v1+json", config),
            "layers": [self._add_blob(f"{_OCI}.layer.v1.tar+gzip", packed)],
        }
        return self._add_manifest(_MANIFEST, document), digest_of(config)

    def _add_blob(self, kind: str, content: bytes) -> dict[str, Any]:
        digest = digest_of(content)
        self.blobs[digest] = content
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def _add_manifest(self, kind: str, document: dict[str, Any]) -> str:
        content = json.dumps(document).encode()
        digest = digest_of(content)
        self.manifests[digest] = (kind, content)
        return digest

    def find(self, path: str) -> tuple[str, bytes] | None:
        """Media type and content of a path, None for one that is not there."""
        self.asked.append(path)
        if path == "/v2/":
            return "application/json", b"{}"
        digest = path.rpartition("/")[2]
        if path == f"/v2/{REPOSITORY}/manifests/{digest}":
            return self.manifests.get(digest)
        if path == f"/v2/{REPOSITORY}/blobs/{digest}" and digest in self.blobs:
            return "application/octet-stream", self.blobs[digest]
        return None


@contextmanager
def serve_registry(registry: Registry) -> Iterator[str]:
    """HOST:PORT, over plain HTTP on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = registry.find(self.path)
            kind, content = found or ("application/json", b"{}")
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _pack(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()

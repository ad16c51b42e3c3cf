#!/usr/bin/env python3
"""A stand-in for Qdrant's server: the part of its REST interface that Open WebUI's client and our own roles use.

    QDRANT__SERVICE__API_KEY=... QDRANT__SERVICE__READ_ONLY_API_KEY=... qdrant_stand_in.py --config-path FILE

It reads the settings that our role writes (addresses, paths, keys) and calls itself a stand-in in `GET /`. Which
answer a call has is in qdrant_routes.py. For the lab only: one lock serialises everything, a search reads every point.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import ValidationError
from qdrant_routes import READS, NotThereError, Routes

VERSION = "1.19.2-stand-in"
TITLE = "qdrant - vector search engine (a stand-in of provision's lab)"
OPEN_PATHS = {"/healthz": "healthz check passed", "/livez": "healthz check passed", "/readyz": "all shards are ready"}
"""Asked without a key, as upstream allows."""
NO_KEY = "Must provide an API key or an Authorization bearer token"


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], routes: Routes, key: str, read_only_key: str) -> None:
        super().__init__(address, Handler)
        self.routes, self.key, self.read_only_key = routes, key, read_only_key


class Handler(BaseHTTPRequestHandler):
    """One connection. Refusals are text, as upstream's; everything else is `{result, status, time}`."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.answer_request()

    def do_POST(self) -> None:
        self.answer_request()

    def do_PUT(self) -> None:
        self.answer_request()

    def do_DELETE(self) -> None:
        self.answer_request()

    def answer_request(self) -> None:
        started = time.monotonic()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if path in OPEN_PATHS and self.command == "GET":
            self.send_text(200, OPEN_PATHS[path])
        elif path == "/" and self.command == "GET":
            self.send_document(200, {"title": TITLE, "version": VERSION})
        elif refusal := self.refuse(path):
            self.send_text(*refusal)
        else:
            self.call(path, body, started)

    def refuse(self, path: str) -> tuple[int, str] | None:
        """Status and text where the key is missing, wrong, or not enough."""
        given = self.headers.get("api-key") or self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not given:
            return 401, NO_KEY
        if compare_digest(given.encode(), self.server.key.encode()):
            return None
        if not compare_digest(given.encode(), self.server.read_only_key.encode()):
            return 401, "Invalid API key or JWT"
        reads = self.command == "GET" or any(path.endswith(suffix) for suffix in READS)
        return None if reads else (403, "Forbidden: Write access required")

    def call(self, path: str, body: bytes, started: float) -> None:
        try:
            result = self.server.routes.answer(self.command, path, json.loads(body) if body else {})
        except NotThereError as error:
            self.send_document(404, {"status": {"error": f"Not found: {error}"}, "time": time.monotonic() - started})
        except (ValidationError, ValueError) as error:
            self.send_document(400, {"status": {"error": f"Format error in JSON body: {error}"}, "time": 0.0})
        else:
            self.send_document(200, {"result": result, "status": "ok", "time": time.monotonic() - started})

    def send_document(self, status: int, document: dict[str, Any]) -> None:
        self.send(status, "application/json", json.dumps(document).encode())

    def send_text(self, status: int, text: str) -> None:
        self.send(status, "text/plain", text.encode())

    def send(self, status: int, kind: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def serve(settings: dict[str, Any], key: str, read_only_key: str) -> Server:
    """A server that listens, made of `config.yaml` as Qdrant reads it. Raises KeyError where a setting is missing."""
    storage, service = settings["storage"], settings["service"]
    if not key or service.get("enable_tls") or not settings["telemetry_disabled"]:
        raise ValueError("the stand-in wants a key, no TLS, and telemetry disabled")
    routes = Routes(Path(storage["storage_path"]), Path(storage["snapshots_path"]))
    return Server((service["host"], service["http_port"]), routes, key, read_only_key)


def main() -> None:
    parser = argparse.ArgumentParser(prog="qdrant")
    parser.add_argument("--config-path", type=Path, required=True)
    settings = yaml.safe_load(parser.parse_args().config_path.read_text())
    server = serve(
        settings, os.environ["QDRANT__SERVICE__API_KEY"], os.environ.get("QDRANT__SERVICE__READ_ONLY_API_KEY", "")
    )
    print(f"{TITLE} {VERSION} listens on {server.server_address}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

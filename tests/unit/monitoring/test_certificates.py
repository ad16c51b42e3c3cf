"""The program that notes how long the gateway's certificates are valid, against a site of this test."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "roles/node_exporter/files/certificates.py"
DAYS = 30


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A site whose certificate is valid for thirty days."""
    pair = tmp_path / "pair.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(DAYS), "-subj", "/CN=chat"]
    subprocess.run([*made, "-keyout", str(pair), "-out", str(tmp_path / "site.pem")], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "site.pem", pair)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_dates_of_what_is_shown_and_a_zero_for_what_is_not(port: int, tmp_path: Path) -> None:
    site = {"name": "chat", "host": "chat.ai.internal", "address": "127.0.0.1", "port": port}
    config, target = tmp_path / "sites.json", tmp_path / "certificates.prom"
    config.write_text(json.dumps([site, site | {"name": "gone", "port": 9}]))
    subprocess.run([sys.executable, str(PROGRAM), str(config), str(target)], check=True, capture_output=True)
    told = dict(re.findall(r"^(\w+\{.*\}) (\d+)$", target.read_text(), re.MULTILINE))
    assert told['provision_certificate_read{site="chat"}'] == "1"
    assert told['provision_certificate_read{site="gone"}'] == "0"
    first = int(told['provision_certificate_not_before_seconds{site="chat"}'])
    last = int(told['provision_certificate_not_after_seconds{site="chat"}'])
    assert last - first == DAYS * 86400
    assert 'seconds{site="gone"}' not in target.read_text()
    assert [path.name for path in tmp_path.glob("certificates.*")] == ["certificates.prom"]

#!/usr/bin/python3
"""Visits the gateway as a person's browser would, with full verification. `visitor.py ADDRESS CA_FILE`

Prints nothing and exits 0, or says at the first thing that is not as planned.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import sys
import time

ADDRESS, CA_FILE = sys.argv[1:3]
TRUSTING = ssl.create_default_context(cafile=CA_FILE)


def shake(name: str | None, context: ssl.SSLContext = TRUSTING, port: int = 8443) -> ssl.SSLSocket:
    plain = socket.create_connection((ADDRESS, port), timeout=5)
    return context.wrap_socket(plain, server_hostname=name)


def expect(condition: bool, what: object) -> None:
    if not condition:
        sys.exit(f"not as planned: {what}")


def names_of(peer: ssl.SSLSocket) -> set[str]:
    certificate = peer.getpeercert() or {}
    return {value for _, value in certificate.get("subjectAltName", ())}


expect("chat.molecule.lab" in names_of(shake("chat.molecule.lab")), "certificate of the name")
expect(ADDRESS in names_of(shake(ADDRESS)), "certificate of the address")
expect("flows.molecule.lab" in names_of(shake("flows.molecule.lab", port=8444)), "second site")

nameless = ssl.create_default_context(cafile=CA_FILE)
nameless.check_hostname = False  # so that no name is sent; the address is compared below
expect(ADDRESS in names_of(shake(None, nameless)), "certificate for a client that sends no name")

try:
    shake(ADDRESS, ssl.create_default_context())
    sys.exit("not as planned: accepted without the stack's authority")
except ssl.SSLCertVerificationError:
    pass
try:
    shake("other.molecule.lab")
    sys.exit("not as planned: a certificate for a foreign name")
except ssl.SSLError:
    pass
old = ssl.create_default_context(cafile=CA_FILE)
old.maximum_version = ssl.TLSVersion.TLSv1_1
try:
    shake(ADDRESS, old)
    sys.exit("not as planned: TLS 1.1")
except (ssl.SSLError, OSError):
    pass

link = http.client.HTTPSConnection(ADDRESS, 8443, context=TRUSTING, timeout=10)
link.request(
    "GET",
    "/echo?token=canary-query&x=1",
    headers={
        "Authorization": "Bearer canary-bearer",
        "Cookie": "a=canary-cookie",
        "X-Webhook-Key": "canary-of-a-header-that-nobody-listed",
    },
)
answer = link.getresponse()
seen = json.loads(answer.read())
expect(seen["Authorization"] == "Bearer canary-bearer", "the upstream gets the credentials")
expect(seen["X-Forwarded-Proto"] == "https", seen)
for header, value in {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Strict-Transport-Security": "max-age=31536000",
    "Server": None,
}.items():
    expect(answer.getheader(header) == value, f"{header}: {answer.getheader(header)}")

start = time.monotonic()
link.request("GET", "/stream")
stream = link.getresponse()
first = stream.readline()
expect(first == b"data: 0\n" and time.monotonic() - start < 0.4, f"first event after {time.monotonic() - start:.2f} s")
stream.read()

peer = shake(ADDRESS)
peer.sendall(
    f"GET /socket HTTP/1.1\r\nHost: {ADDRESS}:8443\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
)
expect(peer.recv(4096).startswith(b"HTTP/1.1 101"), "websocket")
peer.sendall(b"ping")
expect(peer.recv(4096) == b"ping", "websocket echo")

absent = http.client.HTTPSConnection(ADDRESS, 8444, context=TRUSTING, timeout=10)
absent.request("GET", "/")
expect(absent.getresponse().status == 502, "nothing behind the second site")

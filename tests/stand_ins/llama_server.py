#!/usr/bin/env python3
"""A stand-in of llama-server for tests: tells two buffers, one on a card, and answers what Ollama's stand-in asks."""

from __future__ import annotations

import http.server
import json
import sys


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._send({"status": "ok"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        timings = {"prompt_n": 5, "prompt_ms": 50.0, "predicted_n": 8, "predicted_ms": 400.0}
        told = {"path": self.path, "asked": asked, "argv": sys.argv[1:], "content": "text", "timings": timings}
        self._send({**told, "model": sys.argv[sys.argv.index("--alias") + 1]})

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, body: object) -> None:
        data = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


print("load_tensors:   CPU_Mapped model buffer size =    10.00 MiB", flush=True)
print("load_tensors:        CUDA0 model buffer size =    30.00 MiB", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Server).serve_forever()

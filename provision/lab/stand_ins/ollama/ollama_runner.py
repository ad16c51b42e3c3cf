"""One loaded model: the real llama-server as a subprocess on a random loopback port, as Ollama does since 0.30."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

SERVER = Path(__file__).parents[1] / "llama-server"
BUFFER = re.compile(r"(\S+)\s+(?:model|KV|RS|compute|output) buffer size\s*=\s*([0-9.]+) MiB")
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LoadError(Exception):
    """The model could not be loaded."""


class Runner:
    """Starts loading at once. Raises LoadError."""

    def __init__(self, model: dict[str, Any], context_tokens: int, load_s: float) -> None:
        self.model, self.context_tokens = model, context_tokens
        self.sizes: dict[str, float] = {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        # In text mode for the log; what it says goes on to the journal, as Ollama passes it on.
        self.process = subprocess.Popen(
            arguments(model, context_tokens, self.port),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        threading.Thread(target=self._read_log, daemon=True).start()
        self._wait(load_s)

    @property
    def size(self) -> int:
        """Bytes of all buffers that llama-server told."""
        return round(sum(self.sizes.values()) * 2**20)

    @property
    def size_vram(self) -> int:
        """Bytes of those on cards."""
        return round(sum(size for device, size in self.sizes.items() if re.fullmatch(r"CUDA\d+", device)) * 2**20)

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def ask(self, path: str, body: dict[str, Any]) -> Any:
        """llama-server's answer, to be read as it comes. Raises HTTPError."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), headers)
        return OPENER.open(request, timeout=3600)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # busy with an answer; Ollama waits for none
            self.process.kill()
            self.process.wait()

    def _read_log(self) -> None:
        for line in self.process.stdout or ():
            if found := BUFFER.search(line):
                self.sizes[found[1]] = self.sizes.get(found[1], 0.0) + float(found[2])
            sys.stderr.write(line)

    def _wait(self, load_s: float) -> None:
        deadline = time.monotonic() + load_s
        while True:
            if not self.is_alive:
                raise LoadError(f"llama runner process has terminated: exit status {self.process.returncode}")
            try:
                OPENER.open(f"http://127.0.0.1:{self.port}/health", timeout=2).close()
            except OSError:
                if time.monotonic() > deadline:
                    self.stop()
                    raise LoadError("timed out waiting for llama runner to start") from None
                time.sleep(0.1)
            else:
                return


def arguments(model: dict[str, Any], context_tokens: int, port: int) -> list[str]:
    """As llm/llama_server.go of ollama/ollama builds them."""
    slots = int(os.environ.get("OLLAMA_NUM_PARALLEL") or 1)
    kv = os.environ.get("OLLAMA_KV_CACHE_TYPE")
    words = [str(SERVER), "--model", model["path"], "--port", str(port), "--host", "127.0.0.1", "--no-webui"]
    words += ["--offline", "-c", str(context_tokens * slots), "-np", str(slots), "--alias", model["name"]]
    words += ["--jinja", "--verbosity", "4", "--log-colors", "off"]
    words += ["--cache-type-k", kv, "--cache-type-v", kv] if kv else []
    words += ["--flash-attn", "on"] if os.environ.get("OLLAMA_FLASH_ATTENTION") in ("1", "true") else []
    words += ["--embedding"] if model["embeds"] else []
    layers = int(model["parameters"].get("num_gpu", -1))
    return [*words, "-ngl", str(layers)] if layers >= 0 else words

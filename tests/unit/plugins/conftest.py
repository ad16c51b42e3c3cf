"""Plugins loaded as Ansible would name them (they lie outside any package), and a real HTTP server."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

PLUGINS = Path(__file__).parents[3] / "plugins"


def _load(folder: str, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, PLUGINS / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    if folder == "module_utils":
        sys.modules[f"ansible.module_utils.{name}"] = loaded
    spec.loader.exec_module(loaded)
    return loaded


_load("module_utils", "provision_quiet")  # the modules import it by the name that Ansible gives it
_load("module_utils", "provision_trial")


@pytest.fixture(scope="session")
def load_plugin() -> Callable[[str, str], ModuleType]:
    """(folder under plugins/, name) → the plugin's module."""
    return _load


@pytest.fixture
def call_module(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """(module, check=..., **arguments) → what the module's main printed, run in this process."""

    def call(module: ModuleType, check: bool = False, **arguments: Any) -> dict[str, Any]:
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            module.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return call


@dataclass
class FileServer:
    """Serves `files` by path. The first `break_off` answers end half-way; `requests` has each path and range."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    break_off: int = 0
    ranges: bool = True
    requests: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    state = FileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.requests.append((self.path, asked))
            body = state.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            partial = asked is not None and state.ranges
            if partial and asked is not None:
                body = body[int(asked.removeprefix("bytes=").rstrip("-")) :]
            self.send_response(206 if partial else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if state.break_off:
                state.break_off -= 1
                body = body[: len(body) // 2]
                self.close_connection = True
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Silence; `requests` is what tests read."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()

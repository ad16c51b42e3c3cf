#!/usr/bin/python3
"""Have the planned models in an Ollama server, and loaded: `provision-ollama-models FILE`.

FILE is JSON: {url, wait_s, silent_s, models: [{name, sha256, context_tokens, gpu_layers, embeddings}]}: seconds for one
answer, and for the first one after a start. A model is made of a GGUF file that already lies among the server's blobs
(POST /api/create with `files`, docs/api.md of ollama/ollama). One that has the planned file and parameters is left
alone; one that is not planned is removed, since any client could have it loaded in the place of a planned one. Prints
{created, removed, loaded}: names, each list empty where nothing was done. Standard library only: it runs on the
target's own Python.
"""

from __future__ import annotations

import json
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Server:
    """Ollama's API. Its methods raise SystemExit with the server's own words."""

    def __init__(self, url: str, wait_s: float) -> None:
        self.url, self.wait_s = url, wait_s

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """The answer's JSON, {} where it has none; None for 404."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - loopback
        try:
            with OPENER.open(request, timeout=self.wait_s) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            sys.exit(f"{method} {path}: {error.code} {error.read()[:400].decode(errors='replace')}")
        except OSError as error:
            sys.exit(f"{method} {path}: {error}")
        return dict(json.loads(text)) if text.strip() else {}

    def wait(self, silent_s: float) -> None:
        """Until it answers, at most so many seconds: it listens before it loads anything."""
        deadline = time.monotonic() + silent_s
        while True:
            try:
                OPENER.open(self.url + "/api/version", timeout=2).close()
            except OSError as error:
                if time.monotonic() > deadline:
                    sys.exit(f"{self.url} does not answer: {error}")
                time.sleep(0.2)
            else:
                return

    def names(self, path: str) -> set[str]:
        """Names of the models that /api/tags or /api/ps tells."""
        return {model["name"] for model in (self.ask("GET", path) or {}).get("models") or []}


def full_name(name: str) -> str:
    """As Ollama tells it: with its tag."""
    return name if ":" in name else f"{name}:latest"


def parameters_of(model: dict[str, Any]) -> dict[str, int]:
    return {"num_ctx": model["context_tokens"], "num_gpu": model["gpu_layers"]}


def is_as_planned(shown: dict[str, Any] | None, model: dict[str, Any]) -> bool:
    """Whether /api/show tells the planned file and parameters."""
    if shown is None:
        return False
    files = re.findall(r"^FROM .*sha256-([0-9a-f]{64})$", shown.get("modelfile", ""), re.MULTILINE)
    said = dict(line.split(None, 1) for line in shown.get("parameters", "").splitlines() if line.strip())
    wanted = {name: str(value) for name, value in parameters_of(model).items()}
    return files == [model["sha256"]] and {name: said.get(name) for name in wanted} == wanted


def create(server: Server, model: dict[str, Any]) -> None:
    made = server.ask(
        "POST",
        "/api/create",
        {
            "model": model["name"],
            "files": {f"{model['name'].replace(':', '-')}.gguf": f"sha256:{model['sha256']}"},
            "parameters": parameters_of(model),
            "stream": False,
        },
    )
    if made is None or made.get("status") != "success":
        sys.exit(f"{model['name']} was not made: {made}")


def load(server: Server, model: dict[str, Any]) -> None:
    """Load it for good (docs/faq.mdx: an empty request with keep_alive -1)."""
    path, extra = ("/api/embed", {"input": ""}) if model.get("embeddings") else ("/api/generate", {"stream": False})
    if server.ask("POST", path, {"model": model["name"], "keep_alive": -1, **extra}) is None:
        sys.exit(f"{model['name']} is not there to be loaded")


def settle(server: Server, models: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Make, remove and load what is due; the names of each."""
    planned = {full_name(model["name"]): model for model in models}
    done: dict[str, list[str]] = {"created": [], "removed": [], "loaded": []}
    for name, model in planned.items():
        if not is_as_planned(server.ask("POST", "/api/show", {"model": name}), model):
            create(server, model)
            done["created"].append(name)
    # After the new ones are made: with a model go those of its files that no other model has.
    for name in sorted(server.names("/api/tags") - planned.keys()):
        server.ask("DELETE", "/api/delete", {"model": name})
        done["removed"].append(name)
    loaded = server.names("/api/ps") - set(done["created"])
    for name in [name for name in planned if name not in loaded]:
        load(server, planned[name])
        done["loaded"].append(name)
    if missing := planned.keys() - server.names("/api/ps"):
        sys.exit(f"not loaded at the same time: {', '.join(sorted(missing))}")
    return done


def main() -> None:
    wanted = json.loads(Path(sys.argv[1]).read_text())
    server = Server(wanted["url"], wanted["wait_s"])
    server.wait(wanted["silent_s"])
    print(json.dumps(settle(server, wanted["models"])))


if __name__ == "__main__":
    main()

"""The lab's stand-in of Ollama against upstream's published API, and the program that makes and loads the models.

Fields and types: docs/openapi.yaml of ollama/ollama (commit 017eb8ae4895); blobs and `files`: its docs/api.md.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
STAND_IN = ROOT / "provision" / "lab" / "stand_ins" / "ollama"
MODELS_PROGRAM = ROOT / "roles" / "ollama" / "files" / "ollama_models.py"
GGUF = b"GGUF" + b"\0" * 60
DIGEST = hashlib.sha256(GGUF).hexdigest()

SUMMARY = {"name": str, "model": str, "modified_at": str, "size": int, "digest": str, "details": dict}
RUNNING = {
    "name": str,
    "model": str,
    "size": int,
    "digest": str,
    "details": dict,
    "expires_at": str,
    "size_vram": int,
    "context_length": int,
}
SHOWN = {
    "parameters": str,
    "template": str,
    "details": dict,
    "model_info": dict,
    "capabilities": list,
    "modified_at": str,
}
GENERATED = {
    "model": str,
    "created_at": str,
    "response": str,
    "done": bool,
    "prompt_eval_count": int,
    "prompt_eval_duration": int,
    "eval_count": int,
    "eval_duration": int,
}


def has(answer: Mapping[str, Any], fields: Mapping[str, type]) -> bool:
    return all(type(answer.get(name)) is kind for name, kind in fields.items())


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.syspath_prepend(str(STAND_IN))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    monkeypatch.setenv("OLLAMA_NUM_PARALLEL", "3")
    monkeypatch.setenv("OLLAMA_KV_CACHE_TYPE", "q8_0")
    import http.server

    import ollama_runner
    import ollama_stand_in

    monkeypatch.setattr(ollama_runner, "SERVER", ROOT / "tests" / "stand_ins" / "llama_server.py")
    monkeypatch.setattr(ollama_stand_in.Api, "models", ollama_stand_in.Models(), raising=False)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ollama_stand_in.Api)
    thread = Thread(target=server.serve_forever)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.server_address[1]}", trust_env=False, timeout=20) as client:
        yield client
    server.shutdown()
    ollama_stand_in.Api.models.unload_all()
    server.server_close()
    thread.join()


def settle(api: httpx.Client, folder: Path, *models: dict[str, Any]) -> dict[str, list[str]]:
    """What the role's program says that it did."""
    wanted = folder / "wanted.json"
    wanted.write_text(
        json.dumps({"url": str(api.base_url).rstrip("/"), "wait_s": 20, "silent_s": 20, "models": models})
    )
    done = subprocess.run(
        [sys.executable, str(MODELS_PROGRAM), str(wanted)], check=True, capture_output=True, text=True, timeout=60
    )
    return dict(json.loads(done.stdout))


def model(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "sha256": DIGEST, "context_tokens": 2048, "gpu_layers": 19, "embeddings": False, **changes}


def push(api: httpx.Client) -> None:
    assert api.post(f"/api/blobs/sha256:{DIGEST}", content=GGUF).status_code == 201


def test_blobs_are_checked_and_found_again(api: httpx.Client) -> None:
    assert api.head(f"/api/blobs/sha256:{DIGEST}").status_code == 404
    assert api.post(f"/api/blobs/sha256:{'0' * 64}", content=GGUF).status_code == 400
    push(api)
    assert api.head(f"/api/blobs/sha256:{DIGEST}").status_code == 200
    assert api.head("/api/blobs/sha256:../../etc/passwd").status_code == 400


def test_answers_have_upstreams_fields(api: httpx.Client, tmp_path: Path) -> None:
    push(api)
    made = api.post("/api/create", json={"model": "chat", "files": {"a.gguf": f"sha256:{DIGEST}"}, "stream": False})
    assert made.json() == {"status": "success"}
    assert "stand-in" in api.get("/api/version").json()["version"]
    assert has(api.get("/api/tags").json()["models"][0], SUMMARY)
    shown = api.post("/api/show", json={"model": "chat"}).json()
    assert has(shown, SHOWN)
    assert shown["modelfile"].splitlines()[1] == f"FROM {tmp_path}/blobs/sha256-{DIGEST}"
    assert api.get("/api/ps").json() == {"models": []}
    assert api.post("/api/generate", json={"model": "chat", "keep_alive": -1}).json()["done_reason"] == "load"
    running = api.get("/api/ps").json()["models"][0]
    assert has(running, RUNNING)
    assert (running["size"], running["size_vram"]) == (40 * 2**20, 30 * 2**20)
    asked = {"model": "chat", "prompt": "a", "raw": True, "stream": False, "options": {"num_predict": 8}}
    assert has(api.post("/api/generate", json=asked).json(), GENERATED)
    assert api.get("/v1/models").json()["data"][0]["id"] == "chat:latest"
    assert api.post("/api/show", json={"model": "other"}).status_code == 404
    assert api.post("/v1/chat/completions", json={"model": "other"}).status_code == 404


def test_the_engine_gets_what_ollama_gives_it(api: httpx.Client, tmp_path: Path) -> None:
    push(api)
    settle(api, tmp_path, model("chat"))
    told = api.post("/v1/chat/completions", json={"model": "chat", "messages": []}).json()
    words = " ".join(told["argv"])
    assert (told["path"], told["model"]) == ("/v1/chat/completions", "chat")
    # llm/llama_server.go: -c is the context of all slots together.
    for expected in ("-c 6144 -np 3", "--cache-type-k q8_0", "-ngl 19", "--host 127.0.0.1", "--offline"):
        assert expected in words


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages"])
def test_further_apis_reach_the_engine_and_name_the_model_as_it_was_asked_for(
    api: httpx.Client, tmp_path: Path, path: str
) -> None:
    """docs/api/openai-compatibility.mdx (since v0.13.3) and docs/api/anthropic-compatibility.mdx of ollama/ollama."""
    push(api)
    settle(api, tmp_path, model("chat"))
    body = {"model": "chat", "input": "a", "max_tokens": 8, "messages": [{"role": "user", "content": "a"}]}
    told = api.post(path, json=body).json()
    assert (told["path"], told["model"], told["asked"]) == (path, "chat", body)


def test_each_api_has_its_own_errors(api: httpx.Client, tmp_path: Path) -> None:
    """openai/openai.go and anthropic/anthropic.go, NewError; middleware/anthropic.go, AnthropicMessagesMiddleware."""
    message = "model 'other' not found"
    assert api.post("/api/show", json={"model": "other"}).json() == {"error": message}
    openai = {"error": {"message": message, "type": "not_found_error", "param": None, "code": None}}
    for path in ("/v1/chat/completions", "/v1/responses"):
        assert api.post(path, json={"model": "other", "input": "a"}).json() == openai
    asked: dict[str, Any] = {"model": "other", "max_tokens": 8, "messages": [{"role": "user", "content": "a"}]}
    refused = api.post("/v1/messages", json=asked)
    assert (refused.status_code, refused.json()["type"]) == (404, "error")
    assert refused.json()["error"] == {"type": "not_found_error", "message": message}
    for changes, said in (({"max_tokens": 0}, "max_tokens is required"), ({"messages": []}, "messages is required")):
        refused = api.post("/v1/messages", json=asked | changes)
        assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")
        assert said in refused.json()["error"]["message"]


def test_models_are_made_once_and_kept(api: httpx.Client, tmp_path: Path) -> None:
    push(api)
    nothing: dict[str, list[str]] = {"created": [], "removed": [], "loaded": []}
    assert settle(api, tmp_path, model("chat")) == {**nothing, "created": ["chat:latest"], "loaded": ["chat:latest"]}
    assert settle(api, tmp_path, model("chat")) == nothing
    # A server that started anew has nothing loaded.
    api.post("/api/generate", json={"model": "chat", "keep_alive": 0})
    assert settle(api, tmp_path, model("chat")) == {**nothing, "loaded": ["chat:latest"]}
    changed = settle(api, tmp_path, model("chat", context_tokens=1024))
    assert changed == {**nothing, "created": ["chat:latest"], "loaded": ["chat:latest"]}
    assert api.get("/api/ps").json()["models"][0]["context_length"] == 1024


def test_a_model_that_is_not_planned_goes_and_its_file_stays_for_the_other(api: httpx.Client, tmp_path: Path) -> None:
    push(api)
    settle(api, tmp_path, model("old"))
    assert settle(api, tmp_path, model("new"))["removed"] == ["old:latest"]
    assert [found["name"] for found in api.get("/api/ps").json()["models"]] == ["new:latest"]
    assert api.head(f"/api/blobs/sha256:{DIGEST}").status_code == 200


def test_a_model_without_its_file_is_told(api: httpx.Client, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        settle(api, tmp_path, model("chat"))
    assert "invalid digest" in caught.value.stderr


def test_the_probe_reads_file_context_and_residency(
    api: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "roles" / "probe" / "files"))
    from probe_parts.engine_ollama import observe_model, observe_speed

    push(api)
    settle(api, tmp_path, model("chat"))
    url = str(api.base_url).rstrip("/")
    planned = {"name": "chat", "model_file": "m.gguf", "sha256": DIGEST}
    seen = observe_model(url, planned)
    assert (seen["error"], seen["model_path"], seen["context_tokens"]) == (None, "m.gguf", 2048)
    assert (seen["size_mib"], seen["size_vram_mib"]) == (40, 30)
    assert observe_model(url, {**planned, "sha256": "0" * 64})["model_path"] == f"sha256-{DIGEST}"
    api.post("/api/generate", json={"model": "chat", "keep_alive": 0})
    assert "not loaded" in observe_model(url, planned)["error"]
    assert observe_speed(url, "chat", 8)["predicted_tok_s"] == 20.0

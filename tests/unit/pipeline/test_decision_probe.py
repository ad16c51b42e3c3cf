"""The questions that `verify` puts to the decision layer on its machine; a small server stands for the layer here."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from provision.models.observation_decision import DecisionObservation
from provision.pipeline.decision_probe import _SCRIPT

PROGRAM = "/opt/decision-layer/current/bin/decision-layer"
POLICY = "/etc/decision-layer/policy.yml"
ANSWERS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"choices": [{"message": {"content": "Paris"}}]},
    "/v1/responses": {"object": "response", "usage": {"output_tokens": 5}},
    "/v1/messages": {"type": "message", "usage": {"output_tokens": 6}},
}
WAYS = [["responses", "chat"], ["messages", "chat"]]


class Layer(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, dict[str, Any]]]] = []
    without: ClassVar[set[str]] = set()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, body))
        status = 401 if self.headers["Authorization"] != "Bearer secret" else 404 if self.path in self.without else 200
        data = json.dumps(ANSWERS[self.path] if status == 200 else {"error": "refused"}).encode()
        self.send_response(status)
        self.send_header("X-Zone", "self-hosted")
        self.send_header("X-Decision-Record", f"record-{len(self.asked)}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Layer.asked.clear()
    Layer.without.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Layer)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def probe(url: str, folder: Path) -> DecisionObservation:
    policy, program = folder / "policy.yml", folder / "decision-layer"
    policy.write_text("zones: [{name: self-hosted, home: true}, {name: eu-cloud}]\n")
    program.write_text("""#!/bin/sh\necho '{"effective_class": "internal"}'\n""")
    program.chmod(0o755)
    script = _SCRIPT.replace(POLICY, str(policy)).replace(PROGRAM, str(program))
    argv = [sys.executable, "-c", script, url, "chat", "DE00", json.dumps(WAYS)]
    done = subprocess.run(argv, input="secret", capture_output=True, text=True, check=True, timeout=60)
    return DecisionObservation.model_validate_json(done.stdout)


def test_each_promised_endpoint_is_asked_in_its_own_words(url: str, tmp_path: Path) -> None:
    seen = probe(url, tmp_path)
    assert (seen.plain.text, seen.plain.zone, seen.without_key) == ("Paris", "self-hosted", 401)
    assert (seen.home_zones, seen.record.data_class) == (("self-hosted",), "internal")
    told = [(item.endpoint, item.model, item.form, item.output_tokens) for item in seen.endpoints]
    assert told == [("responses", "chat", "response", 5), ("messages", "chat", "message", 6)]
    assert all(item.answer.record for item in seen.endpoints)
    asked = dict(Layer.asked)
    question = "Name the capital of France."
    assert (asked["/v1/responses"]["input"], asked["/v1/responses"]["max_output_tokens"]) == (question, 32)
    assert asked["/v1/messages"]["messages"] == [{"role": "user", "content": question}]
    assert asked["/v1/messages"]["max_tokens"] == 32


def test_a_path_that_is_not_let_through_is_told_and_the_next_is_asked(url: str, tmp_path: Path) -> None:
    Layer.without.add("/v1/responses")
    first, second = probe(url, tmp_path).endpoints
    assert (first.answer.step.status, first.form, second.form) == (404, "", "message")
    assert "refused" in first.answer.step.detail


def test_where_the_chat_fails_nothing_more_is_asked(url: str, tmp_path: Path) -> None:
    Layer.without.add("/v1/chat/completions")
    seen = probe(url, tmp_path)
    assert (seen.plain.step.status, seen.endpoints) == (404, ())

"""The local model as a second reader, and records sent to Langfuse: in a running gateway, with stand-ins."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from decision_layer.audit.sender import PATH
from decision_layer.errors import DecisionLayerError
from decision_layer.gateway.langfuse import make_sender
from decision_layer.gateway.settings import Langfuse, Settings
from tests.gateway.running import EXAMPLE, Lab, free_port, running_mocks

PLAIN = "The crew meets at nine in front of hall two."


class LangfuseStandIn:
    """Keeps the names of the spans that reach its OTLP path."""

    def __init__(self) -> None:
        self.port, self.spans = free_port(), list[dict[str, Any]]()
        self._loop, self._ready = asyncio.new_event_loop(), threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        assert self._ready.wait(10)

    async def _take(self, request: web.Request) -> web.Response:
        for part in (await request.json())["resourceSpans"]:
            self.spans += [span for scope in part["scopeSpans"] for span in scope["spans"]]
        return web.json_response({})

    def _run(self) -> None:
        app = web.Application()
        app.router.add_post(PATH, self._take)
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", self.port).start())
        self._ready.set()
        self._loop.run_forever()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


@pytest.fixture(scope="module")
def langfuse() -> Iterator[LangfuseStandIn]:
    standing = LangfuseStandIn()
    yield standing
    standing.stop()


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory, langfuse: LangfuseStandIn) -> Iterator[Lab]:
    """Unlabelled requests would go to the EU; the model at home reads them first."""
    with running_mocks(tmp_path_factory.mktemp("staged")) as lab:
        lab.write_policy(yaml.safe_load(EXAMPLE.read_text()))
        document = yaml.safe_load(lab.policy.read_text())
        next(item for item in document["classes"] if item["name"] == "internal")["approval"] = False
        document["rules"][-1]["to"] = ["mistral-medium", "chat"]
        document["findings"]["email"] = "internal"
        document["second_stage"] = {"model": "chat", "timeout_seconds": 1.0, "chars": 2000}
        lab.policy.write_text(yaml.safe_dump(document, sort_keys=False))
        settings = yaml.safe_load(lab.settings.read_text())
        settings["langfuse"] = {
            "url": f"http://127.0.0.1:{langfuse.port}",
            "public_key": "langfuse-public",
            "secret_key": "langfuse-secret",
            "every_seconds": 0.1,
        }
        lab.settings.write_text(yaml.safe_dump(settings))
        for name in ("langfuse-public", "langfuse-secret"):
            (lab.folder / "credentials" / name).write_text("a key of the stand-in")
        lab.start()
        yield lab
        lab.stop()


@pytest.fixture(autouse=True)
def fresh(staged: Lab) -> None:
    staged.fault("home", "")
    staged.fault("cloud", "")
    staged.forget()


def ask(lab: Lab, text: str = PLAIN, **headers: str) -> tuple[str, str]:
    """(the class, the zone that answered)."""
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    answer = lab.post("/v1/chat/completions", body, **headers)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-data-class"], answer.headers["x-zone"]


def test_what_it_calls_harmless_leaves_and_it_read_the_text(staged: Lab) -> None:
    staged.fault("home", "say-Internal.")
    assert ask(staged) == ("internal", "eu-cloud")
    (read,) = staged.seen("home")
    asked = json.loads(read["raw"])
    assert asked["temperature"] == 0
    assert asked["messages"][1]["content"].endswith(PLAIN)
    assert "- art9: GDPR Art. 9 and 10" in asked["messages"][0]["content"]


def test_it_raises_and_what_it_raises_stays(staged: Lab) -> None:
    staged.fault("home", "say-art9")
    assert ask(staged) == ("art9", "home")
    assert staged.seen("cloud") == []


def test_it_never_lowers(staged: Lab) -> None:
    staged.fault("home", "say-public")
    assert ask(staged)[0] == "internal"


@pytest.mark.parametrize("fault", ["say-I think that this is public", "say-", "say-nonsense", "late-head"])
def test_no_clear_answer_in_time_is_a_doubt_and_stays_at_home(staged: Lab, fault: str) -> None:
    staged.fault("home", fault)
    assert ask(staged) == ("secrecy", "home")
    assert staged.seen("cloud") == []


@pytest.mark.parametrize("fault", ["status-500", "reset"])
def test_an_error_of_its_engine_is_a_doubt_too(staged: Lab, fault: str) -> None:
    staged.fault("home", fault)
    body = {"model": "auto", "messages": [{"role": "user", "content": PLAIN}]}
    answer = staged.post("/v1/chat/completions", body)
    assert answer.status_code == 502  # it stays at home, where nothing answers now
    assert staged.seen("cloud") == []


def test_longer_text_than_it_reads_stays_at_home_unasked(staged: Lab) -> None:
    assert ask(staged, PLAIN * 100) == ("secrecy", "home")
    assert len(staged.seen("home")) == 1  # the answer alone


def test_it_is_not_asked_where_there_is_a_label_or_what_was_found_stays(staged: Lab) -> None:
    assert ask(staged, **{"x-data-class": "internal"}) == ("internal", "eu-cloud")
    assert staged.seen("home") == []
    assert ask(staged, "Pay to DE89 3704 0044 0532 0130 00 please") == ("personal", "home")
    assert len(staged.seen("home")) == 1


def test_what_was_found_and_would_leave_is_read_all_the_same(staged: Lab) -> None:
    """The policy lets addresses go to the EU: a text with one may hold more that the detectors do not know."""
    text = PLAIN + " Write to crew@example.org."
    staged.fault("home", "say-art9")
    assert ask(staged, text) == ("art9", "home")
    assert staged.seen("cloud") == []
    staged.fault("home", "say-internal")
    assert ask(staged, text) == ("internal", "eu-cloud")


def test_each_record_reaches_langfuse(staged: Lab, langfuse: LangfuseStandIn) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": PLAIN}]}
    record = staged.post("/v1/chat/completions", body, **{"x-data-class": "internal"}).headers["x-decision-record"]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if any(record in json.dumps(span) for span in langfuse.spans):
            return
        time.sleep(0.05)
    pytest.fail(f"no span names {record}; {len(langfuse.spans)} arrived")


def test_a_gateway_whose_langfuse_key_is_missing_does_not_start(tmp_path: Path) -> None:
    settings = Settings(
        policy=tmp_path, credentials=tmp_path, state=tmp_path, langfuse=Langfuse("http://127.0.0.1:1", "a", "b")
    )
    with pytest.raises(DecisionLayerError, match="a key of Langfuse cannot be used"):
        make_sender(settings)

"""Spans reach a stand-in for Langfuse's OTLP endpoint, once, also over restarts and refusals."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from decision_layer.audit import gen_ai, otlp
from decision_layer.audit.sender import PATH, OtlpSender, Target
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.store import LogStore
from tests.audit.samples import KEYS, decision, outcome


class LangfuseStandIn:
    """Takes OTLP JSON on the real path with Basic auth and answers with the statuses it is given, then 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.answer: dict[str, Any] = {}
        self.spans: list[dict[str, Any]] = []
        self.calls = 0

    async def take(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"pk:sk").decode()
        assert request.headers["x-langfuse-ingestion-version"] == "4"
        self.calls += 1
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            for part in (await request.json())["resourceSpans"]:
                self.spans += [span for scope in part["scopeSpans"] for span in scope["spans"]]
        return web.json_response(self.answer, status=status, headers={"Location": "/elsewhere"})


async def _serve(langfuse: LangfuseStandIn) -> tuple[web.AppRunner, str]:
    app = web.Application()
    app.router.add_post(PATH, langfuse.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/"


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.02)


async def _requests(store: LogStore, number: int) -> None:
    for _ in range(number):
        record = decision()
        await store.decide(record)
        await store.append(outcome(record.record_id))


def _sender(directory: Path, url: str, **more: int) -> OtlpSender:
    return OtlpSender(SqliteBackend(directory), Target(url, "pk", "sk"), every_s=0.05, at_once=7, **more)


def test_each_is_sent_once_over_a_restart_and_over_errors(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        langfuse = LangfuseStandIn()
        runner, url = await _serve(langfuse)
        store = LogStore.open(SqliteBackend(tmp_path), KEYS)
        await _requests(store, 10)
        await store.decide(decision(effect="refuse", chosen=None, reasons=("label:unknown",)))
        langfuse.statuses = [503, 302, 401, 429]
        sender = _sender(tmp_path, url)
        sender.start()
        await _until(lambda: sender.error != "")
        await _until(lambda: len(langfuse.spans) == 11)
        await _until(lambda: sender.sent_seq == 21)
        await sender.stop()
        await _requests(store, 3)
        again = _sender(tmp_path, url)
        again.start()
        await _until(lambda: len(langfuse.spans) == 14)
        await again.stop()
        assert len({span["spanId"] for span in langfuse.spans}) == 14
        assert (sender.sent, sender.dropped, again.sent) == (11, 0, 3)
        assert "it is tried again: HTTPException: Langfuse answered 503" in caplog.text
        assert "are sent to" in caplog.text
        await store.close()
        await runner.cleanup()

    asyncio.run(run())


def test_what_is_too_far_behind_or_not_taken_is_counted(tmp_path: Path) -> None:
    async def run() -> None:
        langfuse = LangfuseStandIn()
        runner, url = await _serve(langfuse)
        store = LogStore.open(SqliteBackend(tmp_path), KEYS)
        await _requests(store, 10)
        langfuse.statuses = [400]
        sender = _sender(tmp_path, url, max_behind=14)  # 6 of 20 entries are skipped
        sender.start()
        await _until(lambda: sender.sent_seq == 20)
        assert (sender.dropped, sender.sent) == (6 + 3, 4)  # 3 outcomes were in the first seven entries sent
        langfuse.answer = {"partialSuccess": {"rejectedSpans": "1"}}
        await _requests(store, 1)
        await _until(lambda: sender.sent_seq == 22)
        assert sender.dropped == 6 + 3 + 1
        await sender.stop()
        await store.close()
        await runner.cleanup()

    asyncio.run(run())


def test_nothing_there_to_send_to_holds_up_no_decision(tmp_path: Path) -> None:
    async def run() -> None:
        store = LogStore.open(SqliteBackend(tmp_path), KEYS)
        sender = _sender(tmp_path, "http://127.0.0.1:9")
        sender.start()
        await _requests(store, 20)
        await _until(lambda: "Connect" in sender.error)
        assert store.health().stored == 40
        await sender.stop()
        await store.close()

    asyncio.run(run())


def test_a_span_names_what_langfuse_reads(tmp_path: Path) -> None:
    record = decision()
    span = otlp.span(record, outcome(record.record_id))
    found = {one["key"]: one["value"] for one in span["attributes"]}
    assert found[gen_ai.REQUEST_MODEL] == {"stringValue": "home"}
    assert found[gen_ai.INPUT_TOKENS] == {"intValue": "512"}
    assert span["traceId"] == record.trace_id
    assert int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"]) > 1_700_000_000_000_000_000
    assert span["status"] == {"code": 1}
    refused = otlp.span(decision(effect="refuse", chosen=None, trace_id="no hex"), None)
    assert refused["status"] == {"code": 2, "message": "class:art9 zone:self-hosted"}
    assert len(refused["traceId"]) == 32
    json.dumps(refused)

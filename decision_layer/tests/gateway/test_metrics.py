"""What Prometheus reads: by whom, what rises when, and that nothing of a request is in it."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from decision_layer.audit import verified
from decision_layer.audit.store import AuditStore
from decision_layer.audit.verify import Report
from decision_layer.audit.verify_rows import Trouble
from decision_layer.challenge.cases import Cases
from decision_layer.gateway.answers import Receive, Refused, Send
from decision_layer.gateway.counts import Counts
from decision_layer.gateway.metrics import Family, Metrics, render
from decision_layer.gateway.scanner import Scanner
from decision_layer.gateway.settings import Settings
from decision_layer.gateway.turnstile import Turnstile
from tests.gateway.leak_faults import broken
from tests.gateway.running import PUBLIC, Lab

CHAT: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Name the capital of France."}]}
PATH = "/v1/chat/completions"
NAMES = Path(__file__).parents[3] / "tests/fixtures/metric-names/decision_layer.txt"
"""What the dashboards of the stack are held against."""
_LINE = re.compile(r"^decision_layer_([a-z_]+)(?:\{(.*)\})? (-?[0-9.e+]+)$")
_LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')
Samples = Counter[tuple[str, ...]]


def read(lab: Lab) -> str:
    answer = httpx.get(f"{lab.url}/metrics", auth=lab.reader)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


def parse(text: str) -> Samples:
    """Name and the values of its labels, to the number. Every line is one of these or a comment."""
    samples: Samples = Counter()
    for line in text.splitlines():
        if line.startswith("# "):
            continue
        found = _LINE.match(line)
        assert found, line
        values = (value for _, value in _LABEL.findall(found[2] or ""))
        samples[found[1], *values] = cast(int, float(found[3]))
    return samples


def rises(lab: Lab, before: Samples) -> dict[tuple[str, ...], int]:
    after = parse(read(lab))
    counters = [key for key in after if key[0].endswith("_total")]
    return {key: after[key] - before[key] for key in counters if after[key] != before[key]}


@pytest.mark.parametrize("who", ["nobody", "a client", "a wrong password", "a wrong name", "a reviewer"])
def test_who_does_not_read_metrics_is_refused(lab: Lab, who: str) -> None:
    user, password = lab.reader
    auths = {
        "a wrong password": (user, "x" * 32),
        "a wrong name": ("x", password),
        "a reviewer": lab.login("rita"),
    }
    headers = {"authorization": f"Bearer {lab.key}"} if who == "a client" else {}
    answer = httpx.get(f"{lab.url}/metrics", auth=auths.get(who), headers=headers)
    assert answer.status_code == 401
    assert "decision_layer_" not in answer.text


def test_who_reads_them_may_ask_no_model_and_review_nothing(lab: Lab) -> None:
    bearer = {"authorization": f"Bearer {lab.reader[1]}"}
    assert httpx.get(f"{lab.url}/v1/models", headers=bearer).status_code == 401
    assert httpx.get(f"{lab.url}/review", auth=lab.reader).status_code == 401


def test_without_a_reader_there_is_nothing(tmp_path: Path) -> None:
    settings = Settings(policy=tmp_path, credentials=tmp_path, state=tmp_path)
    metrics = Metrics(settings, Counts(), Turnstile(), Scanner(), cast(AuditStore, None), cast(Cases, None))
    with pytest.raises(Refused) as refused:
        asyncio.run(metrics({"headers": []}, cast(Receive, None), cast(Send, None)))
    assert refused.value.status == 404


def test_a_label_cannot_break_its_line() -> None:
    text = render(Family("x", "gauge", "X.", ("zone",), {('a"} 1\nb\\',): 2}))
    assert text.splitlines()[2:] == [r'decision_layer_x{zone="a\"} 1\nb\\"} 2']


def test_a_decision_and_its_answer_are_counted(lab: Lab) -> None:
    before = parse(read(lab))
    lab.post(PATH, CHAT, **PUBLIC)
    assert rises(lab, before) == {
        ("decisions_total", "public", "allow", "us-cloud"): 1,
        ("detections_total", "complete"): 1,
        ("answers_total", "claude-opus", "us-cloud", "completed", "2xx"): 1,
    }


def test_a_fallback_says_who_failed_and_who_answered(lab: Lab) -> None:
    before = parse(read(lab))
    lab.fault("cloud", "status-503")
    lab.post(PATH, CHAT, **PUBLIC)
    risen = rises(lab, before)
    assert risen["fallbacks_total", "chat", "home"] == 1
    assert risen["hop_failures_total", "claude-opus", "us-cloud", "failed"] == 1
    assert risen["hop_failures_total", "mistral-medium", "eu-cloud", "failed"] == 1
    lab.fault("home", "reset")
    assert lab.post(PATH, CHAT, **PUBLIC).status_code == 502
    risen = rises(lab, before)
    assert risen["refusals_total", "no_answer"] == 1
    assert risen["hop_failures_total", "chat", "home", "reset"] == 1


def test_refusals_have_their_reasons(lab: Lab) -> None:
    before = parse(read(lab))
    lab.post(PATH, {**CHAT, "model": "claude-opus"})  # internal: not in that zone
    lab.post(PATH, {**CHAT, "model": "there-is-none"})
    lab.post(PATH, {**CHAT, "model": "mistral-medium"})  # internal: needs a second person
    lab.post(PATH, b"{")
    httpx.post(lab.url + PATH, json=CHAT)
    risen = {key[1]: number for key, number in rises(lab, before).items() if key[0] == "refusals_total"}
    assert risen == {"zone": 1, "model": 1, "approval": 1, "invalid_json": 1, "invalid_api_key": 1}
    assert rises(lab, before)["decisions_total", "internal", "hold", ""] == 1


def test_a_detector_that_fails_and_a_trail_that_is_full(lab: Lab) -> None:
    lab.post(PATH, CHAT)
    before = parse(read(lab))
    assert before["detections_total", "error"] >= 0
    with broken(lab, "detector raises"):
        lab.post(PATH, CHAT)
    assert rises(lab, before)["detections_total", "error"] == 1
    with broken(lab, "audit full"):
        lab.post(PATH, CHAT)
    risen = rises(lab, before)
    assert risen["refusals_total", "audit_unavailable"] == 1
    assert risen["audit_failures_total",] >= 1


def test_requests_under_way_are_seen_and_gone_afterwards(lab: Lab) -> None:
    lab.fault("home", "slow-head")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(lab.url + PATH, json=CHAT, headers={"authorization": f"Bearer {lab.key}"}, timeout=1)
    headers = {"authorization": f"Bearer {lab.key}"}

    async def look() -> Samples:
        async with httpx.AsyncClient(timeout=20) as client:
            asked = asyncio.create_task(client.post(lab.url + PATH, json=CHAT, headers=headers))
            await asyncio.sleep(0.5)
            seen = parse((await client.get(f"{lab.url}/metrics", auth=lab.reader)).text)
            asked.cancel()
            return seen

    seen = asyncio.run(look())
    assert seen["requests_waiting",] >= 1
    assert seen["requests_in_progress", "open-webui"] >= 1
    deadline = time.monotonic() + 20
    while (left := under_way(lab)) != (0, 0) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == (0, 0)


def under_way(lab: Lab) -> tuple[float, float]:
    samples = parse(read(lab))
    return samples["requests_waiting",], samples["requests_in_progress", "open-webui"]


def test_the_trail_and_the_challenges_as_they_stand(lab: Lab) -> None:
    record = lab.post(PATH, CHAT).headers["x-decision-record"]
    before = parse(read(lab))
    httpx.post(lab.url + "/challenge", data={"record": record, "text": "It was public.", "who": ""})
    after = parse(read(lab))
    assert after["challenges_open",] == before["challenges_open",] + 1
    assert (after["challenges_due_soon",], after["challenges_overdue",]) == (0, 0)
    assert after["audit_entries",] > before["audit_entries",] > 0
    assert 0 <= after["audit_checkpoint_age_seconds",] < 120
    assert after["audit_checkpoint_failing",] == 0
    assert 0 < after["audit_disk_free_bytes",] <= after["audit_disk_bytes",]


def test_the_last_verification_is_told(lab: Lab) -> None:
    place = lab.folder / "state" / verified.LAST
    before = parse(read(lab))
    assert (before["audit_verified_age_seconds",], before["audit_troubles",]) == (-1, 0)
    place.parent.mkdir()
    verified.note(place, Report(entries=9, troubles=[Trouble("edited", "entry 3", "x")]), time.time() - 90)
    after = parse(read(lab))
    place.unlink()
    assert 89 <= after["audit_verified_age_seconds",] < 120
    assert after["audit_troubles",] == 1


def test_nothing_of_a_request_is_in_it(lab: Lab) -> None:
    headers = {
        "x-openwebui-user-email": "eva.secret@example.org",
        "x-openwebui-chat-id": "chat-secret",
        "x-task-type": "task-secret",
        "x-workflow-step": "step-secret",
        "x-data-class": "class-secret",
    }
    body = {"model": "model-secret", "messages": [{"role": "user", "content": "prompt-secret"}]}
    lab.post(PATH, body, **headers)
    lab.post(PATH, {**body, "model": "auto"}, **headers)
    assert "secret" not in read(lab)


def test_the_names_are_those_that_the_dashboards_know(lab: Lab) -> None:
    lab.post(PATH, CHAT)
    told = {f"decision_layer_{name}" for name in re.findall(r"^# TYPE decision_layer_(\S+)", read(lab), re.MULTILINE)}
    assert told == {name for name in NAMES.read_text().split() if name.startswith("decision_layer_")}

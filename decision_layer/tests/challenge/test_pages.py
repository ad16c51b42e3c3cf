"""Contest, review, approve: over HTTP, against the running gateway and its audit trail."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import httpx
import pytest

from decision_layer.challenge.cases import MAX_OPEN
from decision_layer.challenge.pages import WORDS
from tests.gateway.running import PUBLIC, Lab

CHAT: dict[str, Any] = {
    "model": "auto",
    "messages": [{"role": "user", "content": "Pay to DE89 3704 0044 0532 0130 00 please"}],
}


@pytest.fixture
def record(lab: Lab) -> str:
    return lab.post("/v1/chat/completions", CHAT, **PUBLIC).headers["x-decision-record"]


def file(lab: Lab, record: str, text: str = "It was public.") -> httpx.Response:
    form = {"record": record, "text": text, "who": "eva@example.org"}
    return httpx.post(lab.url + "/challenge?lang=en", data=form, follow_redirects=True)


def find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found.group(1)


def test_every_language_has_every_sentence() -> None:
    assert {name: set(words) for name, words in WORDS.items()} == {name: set(WORDS["en"]) for name in WORDS}
    assert set(WORDS) == {"en", "de", "da"}


def test_a_challenge_has_its_receipt_at_once_and_a_clock(lab: Lab, record: str) -> None:
    answer = file(lab, record)
    assert answer.status_code == 200
    assert record in answer.text
    number = find(r'id="challenge">([0-9a-f-]{36})<', answer.text)
    again = httpx.get(lab.url + "/challenge/status", params={"number": number, "lang": "de"})
    assert "Ihre Anfechtung ist eingegangen" in again.text
    assert "default-src 'none'" in again.headers["content-security-policy"]


def test_a_wrong_id_and_an_empty_text_are_told_and_nothing_typed_is_lost(lab: Lab, record: str) -> None:
    wrong = file(lab, "0" * 36, "my long text")
    assert (wrong.status_code, "my long text" in wrong.text) == (400, True)
    assert "There is no decision with this id" in wrong.text
    assert "Please write what you contest" in file(lab, record, " ").text


def test_one_record_fills_neither_the_log_nor_the_list(lab: Lab, record: str) -> None:
    assert [file(lab, record).status_code for _ in range(MAX_OPEN)] == [200] * MAX_OPEN
    refused = file(lab, record, "my long text")
    assert (refused.status_code, "my long text" in refused.text) == (400, True)
    assert "please wait for the outcome" in refused.text


def test_a_reviewer_sees_replay_and_counterfactual_and_decides_once(lab: Lab, record: str) -> None:
    number = find(r'id="challenge">([0-9a-f-]{36})<', file(lab, record, "<b>why?</b>").text)
    url, rita = f"{lab.url}/review/{number}?lang=en", lab.login("rita")
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, auth=("rita", "wrong-key-of-rita")).status_code == 401
    assert httpx.get(url, auth=lab.login("paul")).status_code == 401
    page = httpx.get(url, auth=rita).text
    assert "&lt;b&gt;why?&lt;/b&gt;" in page
    assert find(r'id="replay">([a-z ]+)', page) == "the same decision"
    assert "had the text not held iban, it would have been public and it would have gone to claude-opus" in page
    assert "3704" not in page
    form = {"verdict": "upheld", "reason": "The IBAN is a client&apos;s.", "authority": "partner"}
    assert httpx.post(url, data=form, auth=rita).status_code == 400  # without the page's token
    form["token"] = find(r'name="token" value="([0-9a-f]+)"', page)
    assert httpx.post(url, data={**form, "reason": " "}, auth=rita).status_code == 400
    assert "The decision stands" in httpx.post(url, data=form, auth=rita).text
    assert "never overwritten" in httpx.post(url, data={**form, "verdict": "changed"}, auth=rita).text
    status = httpx.get(lab.url + "/challenge/status", params={"number": number, "lang": "en"}).text
    assert find(r'id="verdict">([^<]+)<', status) == "The decision stands"
    assert number in httpx.get(lab.url + "/review", auth=rita).text


def test_what_needs_a_second_person_leaves_with_that_persons_word_alone(lab: Lab) -> None:
    body = {"model": "mistral-medium", "messages": [{"role": "user", "content": "A draft for our newsletter"}]}
    eve = {"x-openwebui-user-email": "eve@example.org"}
    held = lab.post("/v1/chat/completions", body, **eve)
    assert (held.status_code, held.json()["error"]["code"]) == (403, "approval_needed")
    url = f"{lab.url}/approve/{held.headers['x-decision-record']}?lang=en"
    paul = lab.login("paul")
    assert httpx.get(url, auth=lab.login("rita")).status_code == 401
    page = httpx.get(url, auth=paul).text
    form = {"granted": "yes", "reason": "nothing confidential", "authority": "partner"}
    form["token"] = find(r'name="token" value="([0-9a-f]+)"', page)
    approval = find(r'id="approval">([0-9a-f-]{36})<', httpx.post(url, data=form, auth=paul).text)
    assert lab.seen("cloud") == []
    other = {**body, "messages": [{"role": "user", "content": "Another text"}]}
    assert lab.post("/v1/chat/completions", other, **eve, **{"x-approval": approval}).status_code == 403
    assert lab.post("/v1/chat/completions", body, **eve, **{"x-approval": approval}).status_code == 200
    assert len(lab.seen("cloud")) == 1


def test_the_trail_of_all_this_verifies(lab: Lab, record: str) -> None:
    file(lab, record)
    state, key = lab.folder / "state" / "audit", lab.folder / "credentials" / "audit"
    argv = [sys.executable, "-m", "decision_layer", "audit", "verify", "--directory", str(state), "--key", str(key)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

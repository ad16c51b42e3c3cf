"""Four eyes: another person than who asked, who sees what they let go, once, for that very request."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from decision_layer.challenge.pages import WORDS
from decision_layer.errors import DecisionLayerError
from decision_layer.gateway.callers import Credentials
from decision_layer.policy.load import LoadedPolicy, read_policy
from tests.gateway.leak_faults import broken
from tests.gateway.running import Lab, running_mocks

PATH = "/v1/chat/completions"
EVE = {"x-openwebui-user-email": "eve@firm.example"}
FORM = {"granted": "yes", "reason": "nothing confidential", "authority": "partner"}


def draft(text: str = "A draft for our newsletter") -> dict[str, Any]:
    """Internal and for the EU cloud, which needs a second person."""
    return {"model": "mistral-medium", "messages": [{"role": "user", "content": f"{text} {secrets.token_hex(4)}"}]}


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Paul approves, asks as p.smith@ too, and letters need a second person wherever they are written."""
    with running_mocks(tmp_path_factory.mktemp("firm")) as lab:
        document = yaml.safe_load(lab.policy.read_text())
        document["approvers"][0]["users"] = ["P.Smith@firm.example"]
        letters = {"name": "letters", "title": "Letters", "when": {"steps": ["letter"]}, "to": ["chat"]}
        document["rules"].insert(0, {**letters, "approval": True})
        lab.policy.write_text(yaml.safe_dump(document, sort_keys=False))
        lab.start()
        yield lab
        lab.stop()


@pytest.fixture(autouse=True)
def fresh(firm: Lab) -> None:
    firm.forget()


def ask(lab: Lab, body: dict[str, Any], **headers: str) -> str:
    """The id of the held record."""
    held = lab.post(PATH, body, **headers)
    assert (held.status_code, held.json()["error"]["code"]) == (403, "approval_needed")
    return held.headers["x-decision-record"]


def see(lab: Lab, record: str, language: str = "en") -> httpx.Response:
    return httpx.get(f"{lab.url}/approve/{record}?lang={language}", auth=lab.login("paul"))


def answer(lab: Lab, record: str, **form: str) -> httpx.Response:
    token = re.search(r'name="token" value="([0-9a-f]+)"', see(lab, record).text)
    data = {**FORM, "token": token[1] if token else "", **form}
    return httpx.post(f"{lab.url}/approve/{record}?lang=en", data=data, auth=lab.login("paul"))


def approve(lab: Lab, record: str) -> dict[str, str]:
    given = answer(lab, record)
    found = re.search(r'id="approval">([0-9a-f-]{36})<', given.text)
    assert found, given.text
    return {"x-approval": found[1]}


@pytest.mark.parametrize("user", ["paul", "PAUL@other.example", "p.smith@firm.example"])
def test_who_asked_cannot_approve(firm: Lab, user: str) -> None:
    record = ask(firm, draft(), **{"x-openwebui-user-email": user})
    page = see(firm, record)
    assert WORDS["en"]["error_asker"] in page.text
    assert "<form" not in page.text
    refused = answer(firm, record)
    assert (refused.status_code, 'id="approval"' in refused.text) == (400, False)


def test_where_nobody_knows_who_asked_nobody_approves(firm: Lab) -> None:
    record = ask(firm, draft())  # Open WebUI speaks for people, and named none
    assert WORDS["en"]["error_nobody"] in see(firm, record).text
    assert answer(firm, record).status_code == 400


def test_what_a_program_asks_may_be_approved_and_the_page_says_so(firm: Lab) -> None:
    key = (firm.folder / "credentials" / "client-n8n").read_text()
    body, bearer = draft(), {"authorization": f"Bearer {key}"}
    record = ask(firm, body, **bearer)
    assert f'<td id="asker">{WORDS["en"]["no_person"]}</td>' in see(firm, record).text
    assert firm.post(PATH, body, **bearer, **approve(firm, record)).status_code == 200


def test_an_approval_is_used_up_by_one_request_even_after_a_restart(firm: Lab) -> None:
    body = draft()
    word = approve(firm, ask(firm, body, **EVE))
    with ThreadPoolExecutor(4) as pool:
        at_once = [pool.submit(firm.post, PATH, body, **EVE, **word) for _ in range(4)]
    assert sorted(done.result().status_code for done in at_once) == [200, 403, 403, 403]
    firm.kill()
    firm.start()
    assert firm.post(PATH, body, **EVE, **word).status_code == 403
    assert len(firm.seen("cloud")) == 1


def test_an_approval_outlives_a_restart_until_it_is_used(firm: Lab) -> None:
    body = draft()
    word = approve(firm, ask(firm, body, **EVE))
    firm.kill()
    firm.start()
    assert [firm.post(PATH, body, **EVE, **word).status_code for _ in range(2)] == [200, 403]


def test_an_approval_is_for_that_body_of_that_asker_by_that_rule_alone(firm: Lab) -> None:
    body = draft()
    word = approve(firm, ask(firm, body, **EVE))
    other_text = {**body, "messages": [{"role": "user", "content": "Another text"}]}
    other_client = {"authorization": f"Bearer {(firm.folder / 'credentials' / 'client-n8n').read_text()}"}
    tries: list[tuple[Any, dict[str, str]]] = [
        (other_text, EVE),
        (json.dumps(body, indent=1).encode(), EVE),
        (body, {"x-openwebui-user-email": "adam@firm.example"}),
        (body, {}),
        (body, other_client),
        (body, {**EVE, "x-workflow-step": "letter"}),
        (body, {**EVE, "x-data-class": "confidential"}),
    ]
    assert [firm.post(PATH, sent, **headers, **word).status_code for sent, headers in tries] == [403] * len(tries)
    assert firm.seen("cloud") == []
    assert firm.post(PATH, body, **EVE, **word).status_code == 200  # none of them used it up


def test_a_no_lets_nothing_leave_and_is_the_last_word(firm: Lab) -> None:
    record = ask(firm, draft(), **EVE)
    refused = answer(firm, record, granted="no")
    assert WORDS["en"]["granted_no"] in refused.text
    assert 'id="approval"' not in refused.text
    again = answer(firm, record)
    assert (again.status_code, WORDS["en"]["error_held"] in again.text) == (400, True)


def test_of_two_answers_at_once_one_counts(firm: Lab) -> None:
    record = ask(firm, draft(), **EVE)
    found = re.search(r'name="token" value="([0-9a-f]+)"', see(firm, record).text)
    assert found
    form, url = {**FORM, "token": found[1]}, f"{firm.url}/approve/{record}"

    async def all_at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(auth=firm.login("paul"), timeout=20) as session:
            words = ("yes", "no") * 8
            return await asyncio.gather(*(session.post(url, data={**form, "granted": word}) for word in words))

    assert sorted(done.status_code for done in asyncio.run(all_at_once())) == [200, *[400] * 15]


def test_the_approver_sees_who_asked_for_what_and_not_the_text(firm: Lab) -> None:
    body = draft("A secret draft")
    record = ask(firm, body, **EVE, **{"x-task-type": "newsletter"})
    seen = see(firm, record).text
    assert '<td id="asker">eve@firm.example</td>' in seen
    sent = hashlib.sha256(json.dumps(body).encode()).hexdigest()
    assert f'id="body">{sent}<' in seen
    for shown in (
        "open-webui",
        "mistral-medium (eu-cloud)",
        "newsletter",
        "otherwise (<code>hybrid-firm 1",
        "internal",
    ):
        assert shown in seen
    assert WORDS["en"]["not_kept"] in seen
    assert WORDS["de"]["not_kept"] in see(firm, record, "de").text
    assert "secret draft" not in seen
    assert "eve@firm.example" not in httpx.get(f"{firm.url}/approve/{record}", auth=firm.login("rita")).text


def test_a_rule_may_ask_for_a_second_person_at_home_too(firm: Lab) -> None:
    body, letter = {**draft(), "model": "auto"}, {**EVE, "x-workflow-step": "letter"}
    record = ask(firm, body, **letter)
    assert "letters" in see(firm, record).text
    assert firm.seen("home") == []
    assert firm.post(PATH, {**body, "model": "chat"}, **letter).status_code == 403  # naming a model is no way around
    assert firm.post(PATH, body, **letter, **approve(firm, record)).status_code == 200
    assert len(firm.seen("home")) == 1


def test_pages_without_their_trail_say_so(firm: Lab) -> None:
    record = ask(firm, draft(), **EVE)
    found = re.search(r'name="token" value="([0-9a-f]+)"', see(firm, record).text)
    assert found
    url, form = f"{firm.url}/approve/{record}?lang=en", {**FORM, "token": found[1]}
    with broken(firm, "audit full"):
        full = httpx.post(url, data=form, auth=firm.login("paul"))
    with broken(firm, "audit gone"):
        gone = see(firm, record)
    for page in (full, gone):
        assert (page.status_code, WORDS["en"]["error_unavailable"] in page.text) == (503, True)
        assert page.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/challenge/", "/review/", "/challenge/status/"])
def test_no_page_sends_anybody_elsewhere(firm: Lab, path: str) -> None:
    answer = httpx.get(firm.url + path, headers={"host": "evil.example"}, auth=firm.login("rita"))
    assert (answer.status_code, answer.headers.get("location")) == (404, None)


def test_the_second_stage_reads_before_a_person_is_asked(tmp_path: Path) -> None:
    with running_mocks(tmp_path) as lab:
        document = yaml.safe_load(lab.policy.read_text())
        document["second_stage"] = {"model": "chat"}
        lab.policy.write_text(yaml.safe_dump(document, sort_keys=False))
        lab.start()
        lab.fault("home", "say-confidential")
        refused = lab.post(PATH, draft(), **EVE)
        lab.stop()
        assert (refused.json()["error"]["code"], refused.headers["x-data-class"]) == (
            "refused_by_policy",
            "confidential",
        )
        assert len(lab.seen("home")) == 1


@pytest.fixture
def credentials(tmp_path: Path) -> tuple[Path, LoadedPolicy]:
    lab = Lab(tmp_path)
    return tmp_path / "credentials", read_policy(lab.policy)


@pytest.mark.parametrize("taken", ["person-rita", "client-n8n"])
def test_two_names_with_one_keys_value_do_not_start(credentials: tuple[Path, LoadedPolicy], taken: str) -> None:
    folder, loaded = credentials
    Credentials(folder, loaded)
    (folder / "person-paul").write_text((folder / taken).read_text())
    with pytest.raises(DecisionLayerError, match="have the same key"):
        Credentials(folder, loaded)

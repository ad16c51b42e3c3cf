"""What breaks inside while requests are under way, judged at the mocks' sockets: nothing goes where it may not."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import openai
import pytest
import yaml

from tests.gateway.gateway_kills import find_troubles, kill_gateways
from tests.gateway.leak_faults import broken
from tests.gateway.running import PUBLIC, Lab

CHAT: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Name the capital of France."}]}
PATH = "/v1/chat/completions"


@pytest.mark.parametrize("fault", ["detector raises", "detector hangs"])
def test_what_a_detector_did_not_judge_stays_at_home_and_others_are_served(lab: Lab, fault: str) -> None:
    with broken(lab, fault):
        begin = time.monotonic()
        answer = lab.post(PATH, CHAT, **PUBLIC)
        assert time.monotonic() - begin < 10
    assert (answer.status_code, answer.headers["x-zone"]) == (200, "home")
    assert lab.seen("cloud") == []
    assert lab.post(PATH, CHAT, **PUBLIC).headers["x-zone"] == "us-cloud"


@pytest.mark.parametrize("fault", ["audit full", "audit gone"])
def test_without_room_for_a_record_nothing_goes_anywhere(lab: Lab, fault: str) -> None:
    lab.post(PATH, CHAT)
    lab.forget()
    with broken(lab, fault):
        answer = lab.post(PATH, CHAT, **PUBLIC)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "audit_unavailable")
    assert lab.seen("cloud") == lab.seen("home") == []
    assert lab.post(PATH, CHAT, **PUBLIC).status_code == 200
    assert find_troubles(lab) == []


def ask_while_the_cloud_is_closed(lab: Lab, after_s: float) -> httpx.Response:
    """The answer to a public question, with the policy's new version put in use while it is under way."""
    before = lab.policy.read_text()
    document = yaml.safe_load(before)
    document["version"] += 1
    for item in document["classes"]:
        item["zones"] = ["home"]
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(lab.post(PATH, CHAT, **PUBLIC)))
    asking.start()
    time.sleep(after_s)
    lab.write_policy(document)
    lab.reload()
    asking.join()
    document = yaml.safe_load(before)
    document["version"] += 2
    lab.write_policy(document)
    lab.reload()
    return answers[0]


def wait_until_open(lab: Lab) -> None:
    deadline = time.monotonic() + 20
    while lab.post(PATH, CHAT, **PUBLIC).headers["x-zone"] != "us-cloud":
        assert time.monotonic() < deadline


def test_a_policy_that_closes_the_cloud_amid_a_request_holds_for_it(lab: Lab) -> None:
    with broken(lab, "detector slow"):  # it is being read, by the old policy
        answer = ask_while_the_cloud_is_closed(lab, after_s=0.1)
    assert lab.seen("cloud") == []
    assert answer.status_code in (200, 502)
    wait_until_open(lab)


def test_a_policy_that_closes_the_cloud_amid_a_hop_holds_for_the_next_hop(lab: Lab) -> None:
    lab.fault("cloud", "late-500")
    answer = ask_while_the_cloud_is_closed(lab, after_s=0.2)
    assert [item["path"] for item in lab.seen("cloud")] == ["/v1/messages"]  # the first hop, sent before
    assert (answer.status_code, answer.headers["x-zone"]) == (200, "home")
    lab.fault("cloud", "")
    wait_until_open(lab)


def test_a_client_that_leaves_before_the_answer_begins_ends_the_work(lab: Lab) -> None:
    def cancelled() -> int:
        return int(httpx.get(f"http://localhost:{lab.ports['home']}/cancelled", timeout=10).text)

    before = cancelled()
    lab.fault("home", "slow-head")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(lab.url + PATH, json=CHAT, headers={"authorization": f"Bearer {lab.key}"}, timeout=1)
    deadline = time.monotonic() + 20
    while cancelled() == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_answer_that_breaks_off_is_not_given_out_as_whole(lab: Lab) -> None:
    lab.fault("home", "break-body")
    with pytest.raises(httpx.RemoteProtocolError):
        lab.post(PATH, CHAT)


def test_no_answer_is_kept_so_none_can_be_fetched_by_its_id(lab: Lab) -> None:
    client = openai.OpenAI(base_url=lab.url + "/v1", api_key=lab.key, max_retries=0)
    made = client.responses.create(model="auto", input="hello", store=True)
    lab.forget()
    for ask in (client.responses.retrieve, client.responses.delete, client.responses.cancel):
        with pytest.raises(openai.NotFoundError, match="no answer is kept here"):
            ask(made.id)
    with pytest.raises(openai.NotFoundError, match="no answer is kept here"):
        client.responses.input_items.list(made.id)
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").responses.retrieve(made.id)
    assert lab.seen("cloud") == lab.seen("home") == []


def test_a_killed_gateway_has_a_record_of_every_answer_and_of_every_body(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    done = kill_gateways(tmp_path_factory.mktemp("kills"), kills=5, seed=3)
    assert done.answers > 5
    assert done.bodies >= done.answers / 2
    assert (done.answers_unrecorded, done.bodies_unrecorded, done.troubles) == (0, 0, [])

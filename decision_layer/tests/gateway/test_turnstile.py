"""More at once than a client may: they stand in line, in order and for a while; who leaves leaves the line."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from decision_layer.gateway.answers import Message, Refused
from decision_layer.gateway.turnstile import Turn, Turnstile
from decision_layer.policy.shape import Client
from tests.gateway.running import PUBLIC, Lab, running_mocks
from tests.gateway.test_metrics import parse, read

PATH = "/v1/chat/completions"


def client(**more: Any) -> Client:
    return Client(name="n8n", key="k", **{"concurrent": 1, "queue": 2, "queue_seconds": 5.0, **more})


async def silent() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def gone() -> Message:
    return {"type": "http.disconnect"}


def test_places_go_to_who_waited_longest() -> None:
    async def stand() -> list[str]:
        turnstile, order = Turnstile(), list[str]()
        assert turnstile.enter(client()) is None

        async def come(name: str, turn: Turn | None) -> None:
            assert turn is not None
            await turn.wait(silent)
            order.append(name)
            await asyncio.sleep(0)
            turnstile.leave(client(), turn)

        waiting = [asyncio.create_task(come(name, turnstile.enter(client()))) for name in ("first", "second")]
        await asyncio.sleep(0.01)
        assert turnstile.queued == {"n8n": 2}
        with pytest.raises(Refused, match="2 wait already") as refused:
            turnstile.enter(client())
        assert dict(refused.value.headers) == {b"retry-after": b"5"}
        turnstile.leave(client())
        await asyncio.gather(*waiting)
        assert (turnstile.inside["n8n"], turnstile.queued["n8n"]) == (0, 0)
        return order

    assert asyncio.run(stand()) == ["first", "second"]


def test_who_waited_too_long_or_left_gives_its_place_to_the_next() -> None:
    async def stand() -> None:
        turnstile = Turnstile()
        turnstile.enter(client())
        hasty, last = turnstile.enter(client(queue_seconds=0.01)), turnstile.enter(client())
        assert hasty is not None
        assert last is not None
        with pytest.raises(Refused, match=r"none of them ended within 0\.01 s"):
            await hasty.wait(silent)
        turnstile.leave(client())
        assert (hasty.come.done(), last.come.done()) == (True, False)  # its place came just too late,
        turnstile.leave(client(), hasty)
        assert last.come.done()  # and it hands it on
        left = turnstile.enter(client())
        assert left is not None
        with pytest.raises(Refused, match="the client left"):
            await left.wait(gone)
        turnstile.leave(client(), left)
        assert (turnstile.inside["n8n"], turnstile.queued["n8n"]) == (1, 0)
        turnstile.leave(client(), last)
        assert turnstile.inside["n8n"] == 0
        assert turnstile.enter(client()) is None

    asyncio.run(stand())


def test_without_a_queue_it_is_refused_at_once() -> None:
    turnstile = Turnstile()
    turnstile.enter(client(queue=0))
    with pytest.raises(Refused) as refused:
        turnstile.enter(client(queue=0))
    assert (refused.value.status, dict(refused.value.headers)) == (429, {b"retry-after": b"1"})
    assert turnstile.enter(Client(name="another", key="k")) is None  # nobody stands in another one's line


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One request at once, three in line, for four seconds."""
    with running_mocks(tmp_path_factory.mktemp("narrow")) as lab:
        document = yaml.safe_load(lab.policy.read_text())
        for item in document["clients"]:
            item |= {"concurrent": 1, "queue": 3, "queue_seconds": 4.0}
        lab.policy.write_text(yaml.safe_dump(document, sort_keys=False))
        lab.start()
        yield lab
        lab.stop()


@pytest.fixture(autouse=True)
def fresh(narrow: Lab) -> None:
    for side in narrow.ports:
        narrow.fault(side, "")
    narrow.forget()


def chat(text: str) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": text}]}


async def ask(
    lab: Lab, texts: list[str], headers: dict[str, str] | None = None, between: float = 0.1
) -> list[httpx.Response]:
    given = {"authorization": f"Bearer {lab.key}", **(headers or {})}
    async with httpx.AsyncClient(timeout=30) as session:
        tasks = []
        for text in texts:
            tasks.append(asyncio.create_task(session.post(lab.url + PATH, json=chat(text), headers=given)))
            await asyncio.sleep(between)
        return await asyncio.gather(*tasks)


def heard(lab: Lab, side: str) -> list[str]:
    return [json.loads(item["raw"])["messages"][-1]["content"] for item in lab.seen(side)]


def test_over_its_number_a_client_waits_in_order_and_one_too_many_is_refused(narrow: Lab) -> None:
    narrow.fault("home", "soon-head")
    answers = asyncio.run(ask(narrow, ["a", "b", "c", "d", "e"], between=0.05))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert answers[-1].json()["error"]["code"] == "too_many_at_once"
    assert answers[-1].headers["retry-after"] == "4"
    assert heard(narrow, "home") == ["a", "b", "c", "d"]
    assert parse(read(narrow))["requests_queued", "open-webui"] == 0


def test_the_line_is_counted_and_its_wait_is_bounded(narrow: Lab) -> None:
    narrow.fault("home", "slow-head")

    async def both() -> None:
        given = {"authorization": f"Bearer {narrow.key}"}
        async with httpx.AsyncClient(timeout=20) as session:
            first = asyncio.create_task(session.post(narrow.url + PATH, json=chat("a"), headers=given))
            await asyncio.sleep(0.2)
            begin = time.monotonic()
            second = asyncio.create_task(session.post(narrow.url + PATH, json=chat("b"), headers=given))
            await asyncio.sleep(0.3)
            seen = parse((await session.get(f"{narrow.url}/metrics", auth=narrow.reader)).text)
            assert seen["requests_queued", "open-webui"] == 1
            refused = await second
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "4")
            assert 3.5 < time.monotonic() - begin < 5.5
            first.cancel()

    asyncio.run(both())
    assert heard(narrow, "home") == ["a"]


def test_who_leaves_the_line_is_never_sent(narrow: Lab) -> None:
    narrow.fault("home", "late-head")

    async def leave() -> httpx.Response:
        given = {"authorization": f"Bearer {narrow.key}"}
        async with httpx.AsyncClient(timeout=20) as session:
            first = asyncio.create_task(session.post(narrow.url + PATH, json=chat("a"), headers=given))
            await asyncio.sleep(0.2)
            with pytest.raises(httpx.ReadTimeout):
                await session.post(narrow.url + PATH, json=chat("leaves"), headers=given, timeout=0.5)
            await asyncio.sleep(0.2)
            assert parse(read(narrow))["requests_queued", "open-webui"] == 0
            narrow.fault("home", "")
            return await first

    assert asyncio.run(leave()).status_code == 200
    assert heard(narrow, "home") == ["a"]


def test_the_policy_that_is_in_use_at_its_turn_decides(narrow: Lab) -> None:
    narrow.fault("cloud", "late-head")
    document = yaml.safe_load(narrow.policy.read_text())
    for item in document["classes"]:
        item["zones"] = ["home"]
    document["version"] = 3

    async def close_it() -> list[httpx.Response]:
        asked = asyncio.create_task(ask(narrow, ["a", "b"], PUBLIC))
        await asyncio.sleep(0.5)
        narrow.policy.write_text(yaml.safe_dump(document, sort_keys=False))
        narrow.reload()
        return await asked

    answers = asyncio.run(close_it())
    assert [answer.headers["x-zone"] for answer in answers] == ["us-cloud", "home"]
    assert heard(narrow, "home") == ["b"]
    assert parse(read(narrow))["hop_failures_total", "claude-opus", "us-cloud", "barred"] == 0  # it was not even tried

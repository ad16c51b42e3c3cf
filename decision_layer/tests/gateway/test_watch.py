"""A client that leaves ends its request; looking for it costs nothing where the answer is quick."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import MutableMapping
from typing import Any

import pytest

from decision_layer.gateway import watch
from decision_layer.gateway.watch import Watch


class Client:
    """Asked by the watch; `leave` is its disconnect."""

    def __init__(self) -> None:
        self.asked, self.leave = 0, asyncio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        self.asked += 1
        await self.leave.wait()
        return {"type": "http.disconnect"}


def test_a_quick_answer_is_not_watched() -> None:
    async def run() -> int:
        client = Client()
        with Watch(client.receive):
            await asyncio.sleep(0)
        await asyncio.sleep(watch._AFTER_S * 2)
        return client.asked

    assert asyncio.run(run()) == 0


@pytest.mark.parametrize("before", [True, False])
def test_a_client_that_leaves_ends_the_wait(before: bool) -> None:
    """Also one that left before anybody looked."""

    async def run() -> bool:
        client = Client()
        asyncio.get_running_loop().call_later(0.0 if before else watch._AFTER_S * 2, client.leave.set)
        with Watch(client.receive) as held:
            await asyncio.sleep(10)
        return held.left

    assert asyncio.run(run())


def test_a_watch_leaves_nothing_for_the_garbage_collector() -> None:
    async def run() -> weakref.ref[Watch]:
        client = Client()
        with Watch(client.receive) as held:
            await asyncio.sleep(watch._AFTER_S * 2)
        await asyncio.sleep(0.01)
        assert client.asked == 1
        return weakref.ref(held)

    gc.disable()
    try:
        assert asyncio.run(run())() is None
    finally:
        gc.enable()

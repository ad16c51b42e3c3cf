"""The class of a conversation only rises, is on disk on return, and nobody waits for the disk but who raises it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from decision_layer.gateway.conversations import Conversations

LOADED: Any = SimpleNamespace(rank={"public": 0, "internal": 1, "confidential": 2})


def floors_after(folder: Path, run: Callable[[Conversations], Coroutine[Any, Any, None]]) -> list[str | None]:
    """What the conversation's class is in memory afterwards, and what on disk."""
    found = []
    with closing(Conversations(folder / "floors.sqlite")) as kept:
        asyncio.run(run(kept))
        found.append(kept.floor("c", "talk"))
    with closing(Conversations(folder / "floors.sqlite")) as again:
        found.append(again.floor("c", "talk"))
    return found


def test_who_comes_while_a_higher_class_is_written_does_not_lower_it(tmp_path: Path) -> None:
    async def run(kept: Conversations) -> None:
        both = (kept.raise_to(LOADED, "c", "talk", name) for name in ("confidential", "public"))
        await asyncio.gather(*both)

    assert floors_after(tmp_path, run) == ["confidential", "confidential"]


def test_others_go_on_and_meet_the_class_while_the_disk_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(kept: Conversations) -> None:
        started, go_on = asyncio.Event(), asyncio.Event()
        loop, write = asyncio.get_running_loop(), kept._write

        def slowly(key: bytes, data_class: str) -> None:
            loop.call_soon_threadsafe(started.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)
            write(key, data_class)

        monkeypatch.setattr(kept, "_write", slowly)
        rise = asyncio.ensure_future(kept.raise_to(LOADED, "c", "talk", "internal"))
        await asyncio.wait_for(started.wait(), 10)
        assert kept.floor("c", "talk") == "internal"
        assert kept.floor("c", "other") is None
        assert not rise.done()
        go_on.set()
        await rise

    kept = Conversations(tmp_path / "floors.sqlite")
    asyncio.run(run(kept))
    kept.close()


def test_a_request_that_is_given_up_lowers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(kept: Conversations) -> None:
        started, go_on, write = threading.Event(), threading.Event(), kept._write

        def slowly(key: bytes, data_class: str) -> None:
            started.set()
            go_on.wait(10)
            write(key, data_class)

        monkeypatch.setattr(kept, "_write", slowly)
        first = asyncio.ensure_future(kept.raise_to(LOADED, "c", "talk", "confidential"))
        assert await asyncio.to_thread(started.wait, 10)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        second = asyncio.ensure_future(kept.raise_to(LOADED, "c", "talk", "internal"))
        await asyncio.sleep(0.05)
        go_on.set()
        await second

    assert floors_after(tmp_path, run) == ["confidential", "confidential"]


def test_what_could_not_be_written_is_not_held(tmp_path: Path) -> None:
    async def run(kept: Conversations) -> None:
        kept._link.close()
        with pytest.raises(sqlite3.Error):
            await kept.raise_to(LOADED, "c", "talk", "internal")
        assert kept.floor("c", "talk") is None

    kept = Conversations(tmp_path / "floors.sqlite")
    asyncio.run(run(kept))
    kept.close()

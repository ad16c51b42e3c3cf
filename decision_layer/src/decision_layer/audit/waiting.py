"""An entry that somebody waits for, and how they are told what became of it, in whatever event loop they wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterable

from decision_layer.audit.append import Item
from decision_layer.audit.chain import Stored
from decision_layer.audit.errors import AuditError
from decision_layer.audit.record import Sealed

Answer = tuple["Waiting", Stored | AuditError]


class Waiting(Item):
    """An entry that someone waits for; a `patient` one may come a little later, so that it costs no fsync."""

    __slots__ = ("future", "given_up", "patient")

    def __init__(self, kind: str, record_id: str, body: bytes, content: Sealed | None) -> None:
        super().__init__(kind, record_id, body, content)
        self.future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self.given_up = False
        self.patient = kind == "outcome"


def answer(answers: Iterable[Answer]) -> None:
    """From any thread."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[Answer]] = defaultdict(list)
    for told in answers:
        by_loop[told[0].future.get_loop()].append(told)
    here = _running_loop()
    for loop, own in by_loop.items():
        if loop is here:
            _settle(own)
            continue
        with contextlib.suppress(RuntimeError):  # a loop that was closed meanwhile has nobody left who waits
            loop.call_soon_threadsafe(_settle, own)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _settle(answers: list[Answer]) -> None:
    for item, told in answers:
        if item.future.done():
            continue
        if isinstance(told, Stored):
            item.future.set_result(told)
        else:
            item.future.set_exception(told)

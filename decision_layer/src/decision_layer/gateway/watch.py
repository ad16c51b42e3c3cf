"""A client that leaves ends the work for it, wherever that stands: waiting for a model, or amid an answer."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from decision_layer.gateway.answers import Receive

_AFTER_S = 0.05
"""An answer that is there sooner needs nobody who looks for the client: a task for each costs more than the relay."""


class Watch:
    """Cancels the request's own task when the client's connection closes; `left` says that it was this."""

    def __init__(self, receive: Receive) -> None:
        self.left = False
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - there is one wherever an application is called
        self._task, self._receive = task, receive
        self._wait: asyncio.Future[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(_AFTER_S, self._begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        """The cancellation ends here if it was for the client's sake; another one goes on."""
        self._timer.cancel()
        if self._wait is not None:
            self._wait.cancel()
        if kind is not None and issubclass(kind, asyncio.CancelledError) and self.left:
            return self._task.uncancel() == 0
        return False

    def _begin(self) -> None:
        self._wait = asyncio.ensure_future(self._until_gone())

    async def _until_gone(self) -> None:
        # Its own cancellation ends here: kept in the task, its traceback would hold this watch, and the watch the task.
        # Only the garbage collector could free them, in pauses of milliseconds.
        with contextlib.suppress(asyncio.CancelledError):
            while (await self._receive())["type"] != "http.disconnect":
                pass
            self.left = True
            self._task.cancel()

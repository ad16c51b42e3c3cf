"""A client that leaves ends the work for it, wherever that stands: waiting for a model, or amid an answer."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from decision_layer.gateway.answers import Receive


class Watch:
    """Cancels the request's own task when the client's connection closes; `left` says that it was this."""

    def __init__(self, receive: Receive) -> None:
        self.left = False
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - there is one wherever an application is called
        self._task = task
        self._wait = asyncio.ensure_future(self._until_gone(receive))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        """The cancellation ends here if it was for the client's sake; another one goes on."""
        self._wait.cancel()
        if kind is not None and issubclass(kind, asyncio.CancelledError) and self.left:
            return self._task.uncancel() == 0
        return False

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left = True
        self._task.cancel()

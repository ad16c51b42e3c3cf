"""How often each client may ask and how many at once. One too many waits in line, for a while; then it is 429."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Mapping

from decision_layer.gateway.answers import Receive, Refused
from decision_layer.gateway.watch import Watch
from decision_layer.policy.shape import Client

_MINUTE_S = 60.0
_LONGEST_RETRY_S = 60
"""The official clients follow a Retry-After of at most so much."""


class Turn:
    """One request's place in its client's line; `come` is set once it may go on."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.come: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._until = time.monotonic() + client.queue_seconds

    async def wait(self, receive: Receive) -> None:
        """Raises Refused: 429 where its turn did not come in time, 400 where the client left meanwhile."""
        with Watch(receive) as watch:
            done, _ = await asyncio.wait((self.come,), timeout=max(0.0, self._until - time.monotonic()))
            if not done:
                raise _too_many(self.client, f"none of them ended within {self.client.queue_seconds:g} s")
        if watch.left:
            raise Refused(400, "incomplete", "the client left")


class Turnstile:
    """A bucket of requests refills steadily. A place that comes free goes to who has waited longest."""

    def __init__(self) -> None:
        self._level: dict[str, tuple[float, float]] = {}
        self._inside: dict[str, int] = {}
        self._lines: dict[str, deque[Turn]] = {}

    def enter(self, client: Client) -> Turn | None:
        """None: go on; else its turn is to be waited for. Each needs a leave(). Raises Refused (429)."""
        level, now = self._refilled(client)
        inside, line = self._inside.get(client.name, 0), self._lines.get(client.name)
        turn = None
        if line or inside >= client.concurrent:
            turn = self._line_up(client)
        else:
            self._inside[client.name] = inside + 1
        self._level[client.name] = (level - 1, now)
        return turn

    def leave(self, client: Client, turn: Turn | None = None) -> None:
        """With the turn that enter() gave: one that had not come yet leaves the line."""
        line = self._lines.get(client.name)
        if turn is not None and not turn.come.done():
            assert line is not None  # noqa: S101 - it stands in it
            line.remove(turn)
        else:
            self._inside[client.name] -= 1
        while line and self._inside[client.name] < client.concurrent:
            self._inside[client.name] += 1
            line.popleft().come.set_result(None)

    @property
    def inside(self) -> Mapping[str, int]:
        """Requests under way, by the client's name."""
        return self._inside

    @property
    def queued(self) -> Mapping[str, int]:
        """Requests in line, by the client's name."""
        return {name: len(line) for name, line in self._lines.items()}

    def _refilled(self, client: Client) -> tuple[float, float]:
        """What the bucket holds now. Raises Refused where that is less than one."""
        now, per_minute = time.monotonic(), client.requests_per_minute
        level, seen = self._level.get(client.name, (float(per_minute), now))
        level = min(per_minute, level + (now - seen) * per_minute / _MINUTE_S)
        if level < 1:
            wait = max(1, round((1 - level) * _MINUTE_S / per_minute))
            self._level[client.name] = (level, now)
            retry = ((b"retry-after", str(wait).encode()),)
            raise Refused(429, "rate_limit_exceeded", f"{per_minute} requests a minute are allowed", retry)
        return level, now

    def _line_up(self, client: Client) -> Turn:
        line = self._lines.setdefault(client.name, deque())
        if len(line) >= client.queue:
            raise _too_many(client, f"{len(line)} wait already")
        turn = Turn(client)
        line.append(turn)
        return turn


def _too_many(client: Client, why: str) -> Refused:
    wait = min(_LONGEST_RETRY_S, math.ceil(client.queue_seconds)) if client.queue else 1
    retry = ((b"retry-after", str(wait).encode()),)
    return Refused(429, "too_many_at_once", f"{client.concurrent} requests at once are allowed, and {why}", retry)

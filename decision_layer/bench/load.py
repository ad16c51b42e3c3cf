"""The load, in a process of its own: so many requests a second whatever the answers do, or as fast as they come."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from typing import Any

import aiohttp

WORDS = "the quarterly report covers suppliers team review open invoices Monday before noon and more of same".split()  # noqa: SIM905


def prompt(size: int, seed: int) -> str:
    dice = random.Random(seed)  # noqa: S311 - load, not a secret
    text = ""
    while len(text) < size:
        text += dice.choice(WORDS) + " "
    return text[:size]


def bodies(stream: bool) -> list[bytes]:
    """200 different prompts of 2 kB."""
    made = []
    for seed in range(200):
        body: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": prompt(2000, seed)}]}
        if stream:
            body["stream"] = True
        made.append(json.dumps(body, separators=(",", ":")).encode())
    return made


class Load:
    def __init__(self, url: str, headers: dict[str, str], *, stream: bool) -> None:
        self.url, self.headers, self.bodies = url, headers, bodies(stream)
        self.times: list[float] = []
        self.firsts: list[float] = []
        self.errors = 0

    async def one(self, session: aiohttp.ClientSession, number: int, due: float) -> None:
        body = self.bodies[number % len(self.bodies)]
        try:
            async with session.post(self.url, data=body, headers=self.headers) as answer:
                first = None
                async for _ in answer.content.iter_any():
                    first = first or time.perf_counter()
                good = answer.status == 200
        except aiohttp.ClientError:
            good, first = False, None
        now = time.perf_counter()
        if not good or first is None:
            self.errors += 1
            return
        self.times.append(now - due)
        self.firsts.append(first - due)

    async def at_rate(self, rate: float, seconds: float) -> None:
        """Open loop: a request starts when it is due; a late start counts as latency."""
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            begin = time.perf_counter()
            tasks = []
            for number in range(int(rate * seconds)):
                due = begin + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                tasks.append(asyncio.ensure_future(self.one(session, number, due)))
            await asyncio.gather(*tasks)

    async def flat_out(self, at_once: int, count: int) -> float:
        """Requests per second with so many under way; `count` in all."""
        numbers = iter(range(count))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def worker() -> None:
                for number in numbers:
                    await self.one(session, number, time.perf_counter())

            begin = time.perf_counter()
            await asyncio.gather(*(worker() for _ in range(at_once)))
            return count / (time.perf_counter() - begin)


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 if ordered else float("nan")


async def measure(url: str, headers: dict[str, str], what: dict[str, Any]) -> dict[str, float]:
    load = Load(url, headers, stream=bool(what.get("stream")))
    if "rate" in what:
        await load.at_rate(what["rate"], what["seconds"])
        speed = 0.0
    else:
        speed = await load.flat_out(what["at_once"], what["count"])
    return {
        "p50": percentile(load.times, 0.5),
        "p99": percentile(load.times, 0.99),
        "first_p50": percentile(load.firsts, 0.5),
        "first_p99": percentile(load.firsts, 0.99),
        "per_second": speed,
        "errors": load.errors,
    }


if __name__ == "__main__":
    import uvloop

    given = json.load(sys.stdin)
    print(json.dumps(uvloop.run(measure(given["url"], given["headers"], given["what"]))))

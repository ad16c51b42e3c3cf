"""The other process that reads: what it finds, and what becomes of a text when it hangs, fails or ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from decision_layer.detect.scan import scan
from decision_layer.gateway import scan_process
from decision_layer.gateway.content import look
from decision_layer.gateway.scanner import ScanFailedError, Scanner, ScannerLostError
from decision_layer.parts import Part
from decision_layer.policy.shape import Limits

PARTS = [
    Part("Jens Hansen har fået konstateret diabetes.", "user", "messages[0].content"),
    Part("IBAN DE89 3704 0044 0532 0130 00", "user", "messages[1].content"),
]
BODY = {"model": "auto", "messages": [{"role": "user", "content": "Her telephone is +45 33 12 34 56. " * 600}]}
SPOILT = (sys.executable, "-m", "tests.gateway.spoilt_scanner")


def run(test: Callable[[Scanner], Awaitable[None]], *argv: str) -> None:
    async def whole() -> None:
        one = Scanner(argv)
        await one.start()
        try:
            await asyncio.wait_for(one.ready.wait(), 20)
            await test(one)
        finally:
            one.close()

    uvloop.run(whole())


def compute_and_ask(one: Scanner) -> bool:
    end = time.thread_time() + 0.005
    while time.thread_time() < end:
        pass
    return one.is_better()


async def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not there():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def test_it_finds_what_is_found_here_in_the_same_order() -> None:
    async def test(one: Scanner) -> None:
        asked = [PARTS, PARTS[:1], PARTS[1:], []] * 20
        answers = await asyncio.gather(*(one.scan(parts, 5, 20) for parts in asked))
        assert answers == [scan(parts) for parts in asked]
        assert {finding.kind for finding in answers[0]} == {"art9.health", "iban"}

    run(test)


def test_short_texts_go_there_only_while_the_loop_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})

    async def test(one: Scanner) -> None:
        for _ in range(12):
            await asyncio.sleep(0.01)
            assert not one.is_better()
        assert [compute_and_ask(one) for _ in range(12)][-1]
        task = asyncio.ensure_future(one.scan_long(PARTS * 2000, 20))
        await asyncio.sleep(0)
        assert not any(compute_and_ask(one) for _ in range(12))  # none stands in line behind a long one
        await task

    run(test)


def test_where_there_is_one_core_only_long_texts_go_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})

    async def test(one: Scanner) -> None:
        assert not any(compute_and_ask(one) for _ in range(12))

    run(test)


def test_a_detector_that_raises_there_is_told_and_the_next_text_is_read() -> None:
    async def test(one: Scanner) -> None:
        with pytest.raises(ScanFailedError):
            await one.scan([Part("raise", "", "")], 5, 20)
        assert await one.scan(PARTS, 5, 20) == scan(PARTS)

    run(test, *SPOILT)


def test_what_hangs_there_ends_in_time_by_its_alarm_or_with_its_process() -> None:
    async def test(one: Scanner) -> None:
        with pytest.raises(TimeoutError):
            await one.scan([Part("hang", "", "")], 0.2, 20)  # its alarm
        assert one.lost == 0
        behind = [asyncio.ensure_future(one.scan_long([Part("stand still", "", "")], 0.5))]
        behind.append(asyncio.ensure_future(one.scan(PARTS, 5, 20)))
        first, second = await asyncio.gather(*behind, return_exceptions=True)
        assert isinstance(first, TimeoutError)
        assert isinstance(second, ScannerLostError)
        assert await one.scan_long(PARTS, 20) == scan(PARTS)  # it waits for the next process
        assert one.lost == 1
        assert await one.scan(PARTS, 5, 20) == scan(PARTS)

    run(test, *SPOILT)


def test_a_text_that_ends_the_process_is_in_doubt_and_one_behind_it_is_read_here() -> None:
    async def test(one: Scanner) -> None:
        fatal = {"model": "auto", "messages": [{"role": "user", "content": "end " * 6000}]}
        limits = Limits(detection_seconds=20)
        ended, read = await asyncio.gather(look("chat", fatal, limits, one), look("chat", BODY, limits, one))
        assert (ended.doubt, ended.detection, ended.findings) == ("a detector failed", "error", ())
        assert [finding.kind for finding in read.findings] == ["phone"]
        assert read.detection == "complete"

    run(test, *SPOILT)


def test_a_client_that_leaves_takes_no_answer_of_another() -> None:
    async def test(one: Scanner) -> None:
        left = asyncio.ensure_future(one.scan(PARTS, 5, 20))
        stays = asyncio.ensure_future(one.scan(PARTS[1:], 5, 20))
        await asyncio.sleep(0)
        left.cancel()
        assert await stays == scan(PARTS[1:])

    run(test)


def test_it_ends_with_the_gateway_and_not_by_the_signals_that_are_meant_for_it(tmp_path: Path) -> None:
    place = tmp_path / "child"
    code = (
        "import asyncio, os, signal, pathlib\n"
        "from decision_layer.gateway.scanner import Scanner\n"
        "async def main():\n"
        "    one = Scanner()\n"
        "    await one.start()\n"
        "    await one.ready.wait()\n"
        f"    pathlib.Path({str(place)!r}).write_text(str(one._process.pid))\n"
        "    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):\n"
        "        os.kill(one._process.pid, number)\n"
        "    await asyncio.sleep(0.2)\n"
        "    assert one.lost == 0\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )

    async def whole() -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
        assert await process.wait() == -signal.SIGKILL
        await until(lambda: not alive(int(place.read_text())))

    asyncio.run(whole())


def alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]


def test_half_a_message_is_no_answer() -> None:
    one = Scanner()
    one.ready.set()
    whole = scan_process.frame(scan_process.Told(scan(PARTS)))
    taken: list[scan_process.Told] = []
    one._take = taken.append  # type: ignore[method-assign, assignment]
    for byte in (whole + whole)[:-1]:
        one.data_received(bytes([byte]))
    assert len(taken) == 1
    one.data_received(whole[-1:])
    assert [told.findings for told in taken] == [scan(PARTS)] * 2

"""Work on several guests at once ends as a whole."""

from __future__ import annotations

import time
from ipaddress import IPv4Address
from threading import Event

import pytest

from provision.errors import UnreachableError
from provision.lab.parallel import run_on_all
from provision.lab.readiness import wait_answering
from provision.models.lab import LabHost


def test_results_keep_the_order() -> None:
    def slow_first(item: int, _: Event) -> int:
        time.sleep(0.1 if item == 0 else 0)
        return item * 10

    assert run_on_all(slow_first, range(4), 4) == [0, 10, 20, 30]
    assert run_on_all(slow_first, [], 0) == []


def test_one_failure_ends_the_waiting_of_all_and_drops_the_rest() -> None:
    begun: list[int] = []

    def work(item: int, stop: Event) -> None:
        begun.append(item)
        if item == 0:
            raise KeyError("first")
        stop.wait(30)

    started = time.monotonic()
    with pytest.raises(KeyError):
        run_on_all(work, range(50), 2)
    assert time.monotonic() - started < 5
    assert len(begun) < 50


def test_waiting_for_a_silent_guest_ends_with_the_event() -> None:
    stop = Event()
    stop.set()
    host = LabHost(name="a", address=IPv4Address("127.0.0.1"), port=1, private_key="/none", known_hosts="/none")
    started = time.monotonic()
    with pytest.raises(UnreachableError):
        wait_answering("one", host, stop)
    assert time.monotonic() - started < 2


def test_silent_guest_is_told_after_the_limit() -> None:
    host = LabHost(name="a", address=IPv4Address("127.0.0.1"), port=1, private_key="/none", known_hosts="/none")
    with pytest.raises(UnreachableError, match="guest a does not answer on port 1"):
        wait_answering("one", host, Event(), limit_s=0.3)

"""What breaks while leak cases run: the cloud, the record, a detector, the policy, the gateway itself."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import yaml

if TYPE_CHECKING:
    from tests.gateway.running import Lab

UPSTREAM = ("", "status-500", "status-429", "reset", "break-after-first", "break-body")
NO_RECORD = ("audit full", "audit gone")
NOT_JUDGED = ("detector raises", "detector hangs")
KILL, KILL_READER, AMID_A_HOP = "kill -9", "kill -9 of the process that reads", "reload amid a hop"


@contextmanager
def broken(lab: Lab, fault: str) -> Iterator[None]:
    """The fault, and its end."""
    with ExitStack() as stack:
        if fault in UPSTREAM:
            lab.fault("cloud", fault)
            stack.callback(lab.fault, "cloud", "")
        elif fault.startswith("detector "):
            lab.spoilt.write_text(fault.removeprefix("detector "))
            stack.callback(lab.spoilt.write_text, "")
        elif fault == "audit full":
            lab.fill_disk(full=True)
            stack.callback(lab.fill_disk, full=False)
        elif fault == "audit gone":
            lab.take_log_away(away=True)
            stack.callback(lab.take_log_away, away=False)
        elif fault in _ON_AND_ON:
            if fault == AMID_A_HOP:
                lab.fault("cloud", "late-500")
                stack.callback(lab.fault, "cloud", "")
            over = threading.Event()
            thread = threading.Thread(target=_ON_AND_ON[fault], args=(lab, over))
            thread.start()
            stack.callback(thread.join)
            stack.callback(over.set)
        yield


def _reload_on_and_on(lab: Lab, over: threading.Event) -> None:
    """Now the public may go to the cloud, now it may not; at last it may."""
    document, zones = _read_policy(lab)
    shut = False
    while not over.wait(0.2) or shut:
        shut = not shut
        _put_policy(lab, document, zones, shut=shut)


def _shut_amid_hops(lab: Lab, over: threading.Event) -> None:
    """As above, slowly enough for a hop to begin before the policy that the next one meets."""
    document, zones = _read_policy(lab)
    lab.opened.set()
    while not over.wait(0.3):
        lab.opened.clear()
        _put_policy(lab, document, zones, shut=True)
        _wait_until_used(lab)
        since = time.monotonic()
        over.wait(1.0)
        lab.shut.append((since, time.monotonic()))
        _put_policy(lab, document, zones, shut=False)
        _wait_until_used(lab)
        lab.opened.set()


def _wait_until_used(lab: Lab) -> None:
    while httpx.get(f"{lab.url}/health", timeout=20).json()["policy"] != _hash_policy(lab):
        time.sleep(0.01)


def _kill_on_and_on(lab: Lab, over: threading.Event) -> None:
    chance = random.Random(1)  # noqa: S311 - a seed, not a secret; the first kill comes early, the second late
    while not over.wait(chance.random() * 0.2):
        lab.kill()
        lab.start()


def _kill_the_reader_on_and_on(lab: Lab, over: threading.Event) -> None:
    chance = random.Random(2)  # noqa: S311 - a seed, not a secret
    while not over.wait(chance.random() * 2):
        lab.kill_reader()


_ON_AND_ON = {
    "reload": _reload_on_and_on,
    AMID_A_HOP: _shut_amid_hops,
    KILL: _kill_on_and_on,
    KILL_READER: _kill_the_reader_on_and_on,
}


def _read_policy(lab: Lab) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The policy, and where its classes may go."""
    document = yaml.safe_load(lab.policy.read_text())
    return document, {item["name"]: item["zones"] for item in document["classes"]}


def _put_policy(lab: Lab, document: dict[str, Any], zones: dict[str, list[str]], *, shut: bool) -> None:
    document["version"] += 1
    for item in document["classes"]:
        item["zones"] = ["home"] if shut else zones[item["name"]]
    lab.write_policy(document)
    lab.reload()


def _hash_policy(lab: Lab) -> str:
    return hashlib.sha256(lab.policy.read_bytes()).hexdigest()

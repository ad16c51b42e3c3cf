"""Cases for the leak test: class x endpoint x where the text stands x stream x fault, outside and inside."""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import httpx
import yaml

from tests.gateway.leak_places import OPAQUE_PLACES, PLACES, PLAIN, TEXTS

if TYPE_CHECKING:
    from tests.gateway.running import Lab

LABELS = (None, "public", "internal", "confidential", "personal", "art9", "secrecy", "no-such", "")
UPSTREAM = ("", "status-500", "status-429", "reset", "break-after-first", "break-body")
NO_RECORD = ("audit full", "audit gone")
NOT_JUDGED = ("detector raises", "detector hangs")
FAULTS = (*UPSTREAM, *NO_RECORD, "detector raises", "reload")
_HANGS = 100  # one in so many: each takes half a second
_LEAVES = 20  # one in so many may leave: the judge has to see something


class Case(NamedTuple):
    marker: str
    path: str
    headers: dict[str, str]
    body: bytes
    may_leave: bool
    fault: str
    told: str


MODELS = ("auto", "claude-opus", "mistral-medium", "auto:public", "claude-opus:public")


def make_cases(seed: int, count: int) -> list[Case]:
    """Sensitive texts with every label, and plain texts with labels above public: none of them may leave for the USA.

    `may_leave` is true for a plain text that is labelled public.
    """
    dice = random.Random(seed)  # noqa: S311 - a seed, not a secret
    places = [(path, name, place) for path, named in PLACES.items() for name, place in named.items()]
    hangs, leaving = max(3, count // _HANGS), count // _LEAVES
    product = itertools.product(places, [*TEXTS.items(), *PLAIN.items()], LABELS, FAULTS)
    chosen = dice.sample(list(product), count - hangs - leaving)
    hanging = itertools.product(places, [*TEXTS.items(), *PLAIN.items()], LABELS, ["detector hangs"])
    # A long text is read in a thread, where nothing but the end of the process breaks off a search (test_alarm.py).
    chosen += dice.sample([case for case in hanging if case[1][0] != "long"], hangs)
    open_places = [place for place in places if place[1] not in OPAQUE_PLACES]
    may_go = list(itertools.product(open_places, [("plain", PLAIN["plain"])], ["public"], [*UPSTREAM, "reload"]))
    chosen += dice.choices(may_go, k=leaving)
    cases = []
    for number, ((path, name, place), (kind, text), label, fault) in enumerate(chosen):
        marker = f"marker{seed}x{number}x"
        model = dice.choice(MODELS)
        body = {"model": model, **place(f"{marker} {text}")}
        if dice.random() < 0.5 and path != "/v1/embeddings":
            body["stream"] = True
        headers = {"x-task-type": "strategy", **({} if label is None else {"x-data-class": label})}
        labelled = label if label is not None else ("public" if model.endswith(":public") else None)
        may = (
            kind == "plain"
            and name not in OPAQUE_PLACES
            and labelled in (None, "public", "internal")
            and fault not in (*NO_RECORD, *NOT_JUDGED)
        )
        raw = json.dumps(body).encode().replace(b"\\ue000", b"\xff")  # one character: no place cuts it
        cases.append(Case(marker, path, headers, raw, may, fault, f"{name}/{kind}/{label}/{model}/{fault}"))
    return sorted(cases, key=lambda case: case.fault)


def run_cases(lab: Lab, cases: list[Case]) -> dict[str, int]:
    """Status by marker; a connection that was broken off is 0. Cases with one fault run together, eight at a time."""
    done: dict[str, int] = {}
    with httpx.Client(timeout=60, limits=httpx.Limits(max_connections=8)) as client, ThreadPoolExecutor(8) as pool:

        def send(case: Case) -> None:
            headers = {"authorization": f"Bearer {lab.key}", "content-type": "application/json", **case.headers}
            try:
                done[case.marker] = client.post(lab.url + case.path, content=case.body, headers=headers).status_code
            except httpx.HTTPError:
                done[case.marker] = 0

        for fault, some in itertools.groupby(cases, key=lambda case: case.fault):
            with broken(lab, fault):
                list(pool.map(send, list(some)))
    return done


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
        elif fault == "reload":
            over = threading.Event()
            thread = threading.Thread(target=_reload_on_and_on, args=(lab, over))
            thread.start()
            stack.callback(thread.join)
            stack.callback(over.set)
        yield


def _reload_on_and_on(lab: Lab, over: threading.Event) -> None:
    """Now the public may go to the cloud, now it may not; at last it may."""
    document = yaml.safe_load(lab.policy.read_text())
    zones = {item["name"]: item["zones"] for item in document["classes"]}
    shut = False
    while not over.wait(0.2) or shut:
        shut = not shut
        document["version"] += 1
        for item in document["classes"]:
            item["zones"] = ["home"] if shut else zones[item["name"]]
        lab.write_policy(document)
        lab.reload()


def leaks_of(lab: Lab, cases: list[Case]) -> list[str]:
    """What reached the mock cloud and may not have, told by where, what, label, model and fault.

    Without a record nothing may reach the engine at home either.
    """
    cloud, home = ("\n".join(item["raw"] for item in lab.seen(side)) for side in ("cloud", "home"))
    leaks = [case.told for case in cases if not case.may_leave and case.marker in cloud]
    return leaks + [f"unrecorded: {case.told}" for case in cases if case.fault in NO_RECORD and case.marker in home]

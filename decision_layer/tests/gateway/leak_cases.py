"""Cases for the leak test: class x endpoint x where the text stands x stream x fault, outside and inside."""

from __future__ import annotations

import itertools
import json
import random
from typing import NamedTuple

from tests.gateway.leak_faults import AMID_A_HOP, KILL, KILL_READER, NO_RECORD, NOT_JUDGED, UPSTREAM
from tests.gateway.leak_places import OPAQUE_PLACES, PLACES, PLAIN, TEXTS

LABELS = (None, "public", "internal", "confidential", "personal", "art9", "secrecy", "no-such", "")
FAULTS = (*UPSTREAM, *NO_RECORD, "detector raises", KILL_READER, "reload")
_HANGS = 100  # one in so many: each takes half a second
_KILLS = 40  # one in so many, since each kill costs a start
_HOPS = 100  # one in so many, of texts that may leave: each takes a second
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
    hangs, hops, kills = max(8, count // _HANGS), max(8, count // _HOPS), max(32, count // _KILLS)
    leaving = count // _LEAVES
    product = itertools.product(places, [*TEXTS.items(), *PLAIN.items()], LABELS, FAULTS)
    chosen = dice.sample(list(product), count - hangs - kills - hops - leaving)
    killing = itertools.product(places, [*TEXTS.items(), *PLAIN.items()], LABELS, [KILL])
    chosen += dice.sample(list(killing), kills)
    hanging = itertools.product(places, [*TEXTS.items(), *PLAIN.items()], LABELS, ["detector hangs"])
    chosen += dice.sample(list(hanging), hangs)
    open_places = [place for place in places if place[1] not in OPAQUE_PLACES]
    harmless = [("plain", PLAIN["plain"])]
    may_go = list(itertools.product(open_places, harmless, ["public"], [*UPSTREAM, "reload", KILL]))
    chosen += dice.choices(may_go, k=leaving)
    chosen += dice.choices(list(itertools.product(open_places, harmless, ["public"], [AMID_A_HOP])), k=hops)
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

"""Leak cases sent to a running gateway, and what the mocks' sockets say about them."""

from __future__ import annotations

import hashlib
import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx

from tests.gateway.gateway_kills import read_decisions
from tests.gateway.leak_cases import Case
from tests.gateway.leak_faults import AMID_A_HOP, KILL, NO_RECORD, broken

if TYPE_CHECKING:
    from tests.gateway.running import Lab

_LATE_S = 0.2
"""A body that was sent before the policy changed may be read so much later by the mock."""
_MARKER = re.compile(r"marker\d+x\d+x")


def run_cases(lab: Lab, cases: list[Case]) -> dict[str, int]:
    """Status by marker; a connection that was broken off is 0. Cases with one fault run together, eight at a time."""
    done: dict[str, int] = {}
    with httpx.Client(timeout=60, limits=httpx.Limits(max_connections=8)) as client, ThreadPoolExecutor(8) as pool:

        def send(case: Case) -> None:
            if case.fault == KILL:
                lab.wait_until_up()
            if case.fault == AMID_A_HOP:
                lab.opened.wait(60)
            headers = {"authorization": f"Bearer {lab.key}", "content-type": "application/json", **case.headers}
            try:
                done[case.marker] = client.post(lab.url + case.path, content=case.body, headers=headers).status_code
            except httpx.HTTPError:
                done[case.marker] = 0

        for fault, some in itertools.groupby(cases, key=lambda case: case.fault):
            with broken(lab, fault):
                list(pool.map(send, list(some)))
    return done


def leaks_of(lab: Lab, cases: list[Case]) -> list[str]:
    """What reached the mock cloud and may not have, told by where, what, label, model and fault.

    Nothing may reach the cloud while a policy is in use that lets nothing leave, and nothing may reach anybody, the
    engine at home either, that has no record.
    """
    seen = {side: lab.seen(side) for side in ("cloud", "home")}
    cloud, home = (_markers_of(seen[side]) for side in ("cloud", "home"))
    leaks = [case.told for case in cases if not case.may_leave and case.marker in cloud]
    leaks += [f"unrecorded: {case.told}" for case in cases if case.fault in NO_RECORD and case.marker in home]
    _, recorded = read_decisions(lab)
    leaks += [
        f"unrecorded: {case.told}"
        for case in cases
        if case.marker in cloud | home and hashlib.sha256(case.body).hexdigest() not in recorded
    ]
    late = [item for item in seen["cloud"] if any(since + _LATE_S < item["at"] < to for since, to in lab.shut)]
    told = {case.marker: case.told for case in cases}
    return leaks + [f"after the policy closed: {told.get(marker, marker)}" for marker in sorted(_markers_of(late))]


def gaps_of(lab: Lab, cases: list[Case], done: dict[str, int]) -> list[str]:
    """What would make "no leak" say nothing: a judge that sees nothing, a fault under which nothing was answered."""
    cloud = _markers_of(lab.seen("cloud"))
    if not any(case.may_leave and done[case.marker] == 200 and case.marker in cloud for case in cases):
        return ["nothing that may leave reached the cloud"]
    gaps = []
    for fault in sorted({case.fault for case in cases} - set(NO_RECORD)):
        if not any(case.fault == fault and done[case.marker] == 200 for case in cases):
            gaps.append(f"{fault or 'no fault'}: nothing was answered")
    if any(case.fault == KILL for case in cases) and not lab.kills:
        gaps.append(f"{KILL}: nothing was killed")
    hops = {case.marker for case in cases if case.fault == AMID_A_HOP}
    if hops and not (hops & cloud and lab.shut):
        gaps.append(f"{AMID_A_HOP}: no hop met it")
    return gaps


def _markers_of(bodies: list[dict[str, Any]]) -> set[str]:
    return {marker for item in bodies for marker in _MARKER.findall(item["raw"])}

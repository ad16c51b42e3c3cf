"""The scan against real sockets on loopback addresses."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from provision.models.plan import Plan
from provision.verify.ports import CLOSED_TIMEOUT_S, scan_ports


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.21", 0)) as server:
        yield int(server.getsockname()[1])


def place(plan: Plan, addresses: dict[str, str], port: int) -> Plan:
    """The plan with machines at loopback addresses, and PostgreSQL at a port that the test listens on."""
    document = json.loads(plan.model_dump_json())
    for machine in document["machines"]:
        machine["address"] = addresses[machine["name"]]
    next(item for item in document["services"] if item["name"] == "postgresql")["port"] = port
    return Plan.model_validate(document)


def test_a_planned_port_is_found_open_on_its_machine_only(plan: Plan, listening: int) -> None:
    addresses = {"engine": "127.0.0.22", "data": "127.0.0.21", "apps": "127.0.0.23", "gateway": "127.0.0.24"}
    scans = {scan.machine: scan for scan in scan_ports(place(plan, addresses, listening))}
    assert listening in scans["data"].open
    assert all(listening in scan.tried for scan in scans.values())
    assert listening not in scans["engine"].open
    assert not any(scan.error for scan in scans.values())


def test_every_planned_port_is_tried_on_every_machine(plan: Plan, listening: int) -> None:
    addresses = {"engine": "127.0.0.22", "data": "127.0.0.21", "apps": "127.0.0.23", "gateway": "127.0.0.24"}
    for scan in scan_ports(place(plan, addresses, listening)):
        assert {22, 443, 8443, 5678, 8080, 8081, 11434, 6379} <= set(scan.tried)


def test_a_port_that_never_answers_ends_in_time(plan: Plan) -> None:
    """A full backlog drops further connections, as a firewall does."""
    addresses = {"engine": "127.0.0.22", "data": "127.0.0.21", "apps": "127.0.0.23", "gateway": "127.0.0.24"}
    with socket.create_server(("127.0.0.21", 0), backlog=0) as server, ExitStack() as fillers:
        port = int(server.getsockname()[1])
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.21", port))
        started = time.monotonic()
        scans = {scan.machine: scan for scan in scan_ports(place(plan, addresses, port))}
        assert port in scans["data"].tried
        assert port not in scans["data"].open
        assert CLOSED_TIMEOUT_S <= time.monotonic() - started < 3 * CLOSED_TIMEOUT_S

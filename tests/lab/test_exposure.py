"""The stack as an attacker sees it: units, ports, what answers without a key, and what sshd offers."""

from __future__ import annotations

import asyncio
import errno
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from provision.models.monitoring import GATEWAY_METRICS_PORT
from provision.models.plan import Plan
from provision.verify.checks.ports_outside import open_ports
from provision.verify.web_steps import open_client
from tests.lab.standing import Stack, standing_stack

pytestmark = [pytest.mark.lab, pytest.mark.slow]  # ten minutes: a stack of its own and all 65535 ports

LIMIT = 2.0
REASONS = Path(__file__).resolve().parents[2] / "docs" / "exposure.md"
AT_ONCE = 1000
SECONDS = 1.0
SCANS = 3
"""A guest on the next bridge answers within milliseconds; a firewall that drops never does."""
OUR_UNITS = (
    "for unit in $(systemctl list-units --all --type=service --plain --no-legend | awk '{print $1}'); do "
    "systemctl cat $unit 2>/dev/null | grep -q 'Written by provision' || continue; "
    "systemd-analyze security --no-pager $unit | awk -v unit=$unit '/Overall exposure/ {print unit, $(NF-2)}'; done"
)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with standing_stack() as stack:
        yield stack


@pytest.fixture(scope="module")
def plan(stack: Stack) -> Plan:
    return Plan.model_validate(stack.plan())


def read_reasons() -> dict[str, float]:
    """Units that docs/exposure.md lets exceed the limit: `| unit | exposure | why |`."""
    rows = re.findall(r"^\| `([^`]+)` \| ([\d.]+) \| .{20,} \|$", REASONS.read_text(encoding="utf-8"), re.MULTILINE)
    return {unit: float(exposure) for unit, exposure in rows}


def test_every_unit_of_ours_is_hardened(stack: Stack, plan: Plan) -> None:
    seen: dict[str, float] = {}
    for machine in plan.machines:
        seen |= {unit: float(value) for unit, value in (line.split() for line in _units(stack, machine.name))}
    assert len(seen) >= len({service.name for service in plan.services}), seen
    reasons = read_reasons()
    assert {unit: value for unit, value in seen.items() if value > reasons.get(unit, LIMIT)} == {}


def _units(stack: Stack, machine: str) -> list[str]:
    return stack.ssh(machine, OUR_UNITS).splitlines()


async def _scan(address: str) -> set[int]:
    limit = asyncio.Semaphore(AT_ONCE)

    async def answers(port: int) -> bool:
        async with limit:
            try:
                async with asyncio.timeout(SECONDS):
                    _, writer = await asyncio.open_connection(address, port)
            except OSError as error:  # TimeoutError is one
                if error.errno == errno.EMFILE:
                    raise  # nothing was tried
                return False
            writer.close()
            return True

    found = await asyncio.gather(*(answers(port) for port in range(1, 65536)))
    return {port for port, is_open in enumerate(found, start=1) if is_open}


def test_no_port_answers_that_the_plan_does_not_open(plan: Plan) -> None:
    for machine in plan.machines:
        wanted, allowed = open_ports(plan, machine.name)
        for _ in range(SCANS):
            seen = asyncio.run(_scan(str(machine.address)))
            assert seen <= wanted | allowed, machine.name
            if wanted <= seen:
                break  # What must answer was seen, so a port that answers would have been.
        assert wanted <= seen, machine.name


def test_the_sites_refuse_who_has_no_account(stack: Stack, plan: Plan) -> None:
    """One request for data on each port that the world may open."""
    paths = {"chat": "/api/models", "flows": "/rest/workflows", "metrics": "/api/search", "challenge": "/review"}
    assert {site.name for site in plan.sites} == set(paths)
    for site in plan.sites:
        with open_client(site.url, stack.workspace / "ca-root.crt") as client:
            assert client.get(paths[site.name]).status_code == 401, site.name
        with httpx.Client(verify=False, trust_env=False) as stranger:  # noqa: S501 - a stranger has no CA
            assert stranger.get(f"https://{_address(plan, 'gateway')}:{site.port}/").status_code < 500


def test_inside_too_nothing_answers_without_its_key(stack: Stack, plan: Plan) -> None:
    """Each listener asked from a machine that may reach it."""
    web = {"open_webui": "/api/models", "n8n": "/rest/workflows", "grafana": "/api/search"}
    for service in plan.services:
        address = _address(plan, service.machine)
        if service.name in web:
            assert _status(stack, "gateway", f"http://{address}:{service.port}{web[service.name]}") == 401
    metrics = f"http://{_address(plan, 'gateway')}:{GATEWAY_METRICS_PORT}/metrics"
    assert _status(stack, "observe", metrics) == 401
    for engine in plan.engines:
        url = f"http://{_address(plan, engine.machine)}:{engine.port}/v1/chat/completions"
        assert _status(stack, "gateway", url, "{}") == 401
        # The applications know the decision layer alone: the firewall keeps them from the engines.
        connect = f"import socket; socket.create_connection(({_address(plan, engine.machine)!r}, {engine.port}), 5)"
        turned_away = stack.run("ssh", "apps", *stack.choice, "--", shlex.join(["python3", "-c", connect]))
        assert "No route to host" in turned_away.stderr
    layer = next(service for service in plan.services if service.name == "decision_layer")
    url = f"http://{_address(plan, layer.machine)}:{layer.port}/v1/chat/completions"
    assert _status(stack, "apps", url, "{}") == 401
    refused = stack.ssh("apps", f"psql -w -Atqc 'select 1' 'host={_address(plan, 'data')} user=n8n dbname=n8n' 2>&1; :")
    assert "no password supplied" in refused


def test_an_ssh_audit_fails_nowhere(plan: Plan) -> None:
    for machine in plan.machines:
        words = [sys.executable, "-m", "ssh_audit", "--json", "--skip-rate-test", str(machine.address)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        found: dict[str, Any] = json.loads(done.stdout)
        offered = [item for kind in ("kex", "key", "enc", "mac") for item in found[kind]]
        assert len(offered) > 8, done.stdout[-500:]
        assert [item["algorithm"] for item in offered if item.get("notes", {}).get("fail")] == [], machine.name
        assert not found.get("cves"), machine.name


def _address(plan: Plan, machine: str) -> str:
    return next(str(other.address) for other in plan.machines if other.name == machine)


def _status(stack: Stack, machine: str, url: str, body: str | None = None) -> int:
    """From that machine, by its own Python; without a body a GET."""
    script = f"""
import urllib.error, urllib.request
request = urllib.request.Request({url!r}, data={body.encode() if body else None!r})
try:
    print(urllib.request.urlopen(request, timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
    return int(stack.ssh(machine, "python3 -", script))

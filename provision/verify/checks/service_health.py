"""Runs every planned service, as its own user, without restarting, with the configuration that is on the disk?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from provision.models.observation import MachineObservation, UnitObservation
from provision.models.plan import Plan, PlannedService
from provision.verify.evidence import Check, Evidence, Verdict, every_machine
from provision.verify.next_step import logs_of

RESTARTS_ALLOWED = 2
"""A service may start once or twice before what it needs on another machine is up; more is a crash loop."""


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    seen = evidence.machines[machine]
    for service in (service for service in evidence.plan.services if service.machine == machine):
        for name in planned_units(evidence.plan, service):
            expected = f"{name} is active, not as root, {RESTARTS_ALLOWED} restarts at most, read its files, answers"
            unit = next((unit for unit in seen.units or () if unit.name == name), None)
            problem = _find_problem(machine, name, unit) or _find_silence(seen, machine, service)
            if problem is None and unit is not None:
                yield Verdict("passed", expected, _describe(unit), "", name.removesuffix(".service"))
            elif problem is not None:
                yield Verdict("failed", expected, *problem, name.removesuffix(".service"))


def planned_units(plan: Plan, service: PlannedService) -> list[str]:
    """The systemd units of a service; a template ('llama-cpp@.service') stands for one unit per engine.

    Before a model's several servers there is one more, which balances.
    """
    if "@." not in service.unit:
        return [service.unit]
    engines = [e for e in plan.engines if e.service == service.name and e.machine == service.machine]
    balancers = [b for b in plan.balancers if (b.service, b.machine) == (service.name, service.machine)]
    return [
        *(service.unit.replace("@.", f"@{engine.name}.") for engine in engines),
        *(balancer.unit for balancer in balancers),
    ]


def _find_problem(machine: str, name: str, unit: UnitObservation | None) -> tuple[str, str] | None:
    logs = logs_of(machine, name)
    if unit is None:
        return "the probe did not look at it", "provision up configures the probe again"
    if unit.error:
        return f"systemd does not say: {unit.error}", logs
    if unit.load_state == "not-found":
        return "not installed", "provision up installs it"
    if unit.active_state != "active":
        return f"{name} is {unit.active_state} ({unit.sub_state}, result {unit.result})", f"{logs} shows why"
    if (unit.restarts or 0) > RESTARTS_ALLOWED:
        return f"{name} was restarted {unit.restarts} times by systemd", f"{logs} shows why it ends"
    if unit.sub_state == "running" and _owner(unit) in (None, "", "root"):
        return f"{name} runs as root", "provision up writes the hardened unit again; look for a drop-in that sets User="
    return _find_older_process(machine, unit)


def _owner(unit: UnitObservation) -> str | None:
    """Who really runs it: PostgreSQL's unit names no user, since its server gives up root by itself."""
    return unit.process_user or unit.user


def _find_older_process(machine: str, unit: UnitObservation) -> tuple[str, str] | None:
    """A run that was killed between writing a file and restarting leaves a process that never read the file.

    Where the probe could not tell one of the two moments there is nothing to compare.
    """
    changed, read = unit.config_changed_unix_s, unit.config_read_unix_s
    if changed is None or read is None or changed <= read:
        return None
    problem = (
        f"the running process is older than its configuration: {unit.config_changed_path} was changed at "
        f"{_clock(changed)}, {unit.name} last read its files at {_clock(read)}"
    )
    restart = f"provision ssh {machine} -- systemctl restart {unit.name}"
    return problem, f"provision up restarts what a killed run left behind; for a file changed by hand: {restart}"


def _clock(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _find_silence(seen: MachineObservation, machine: str, service: PlannedService) -> tuple[str, str] | None:
    """A unit can be active while nothing answers: its HTTP health, where the probe asked for it."""
    for answer in seen.http or ():
        if answer.name == service.name and not answer.ok:
            reason = answer.error or f"HTTP {answer.status} instead of {answer.expected_status}"
            return f"active, but {answer.url} does not answer: {reason}", logs_of(machine, service.unit)
    for engine in seen.engines or ():
        if service.unit.replace("@.", f"@{engine.name}.") == engine.unit and not engine.health.ok:
            reason = engine.health.error or f"HTTP {engine.health.status}"
            return f"active, but {engine.health.url} does not answer: {reason}", logs_of(machine, engine.unit)
    return None


def _describe(unit: UnitObservation) -> str:
    memory = f", {unit.memory_mib} MiB" if unit.memory_mib is not None else ""
    user = f" as {_owner(unit)}" if _owner(unit) else ""
    return f"{unit.active_state} ({unit.sub_state}){user}, {unit.restarts or 0} restarts{memory}"


CHECK = Check(
    id="service_health",
    title="Service",
    asks=(
        "Each planned unit is active, its process is not root's, systemd restarted it at most twice, it read its files "
        "(unit, release, /etc) after their last change, and its health URL answers."
    ),
    fails="It crashed, was stopped, cannot reach what it needs, is busy starting, or a killed run owes it a restart.",
    targets=every_machine,
    judge=judge,
    needs=("machine_answers", "releases"),
)

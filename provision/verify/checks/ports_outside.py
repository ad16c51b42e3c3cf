"""Which TCP ports answer from outside the machine: exactly those the plan opens?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.plan import Plan
from provision.verify.evidence import Check, Evidence, Verdict, every_machine


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    wanted, allowed = open_ports(evidence.plan, machine)
    expected = f"open: {_list(wanted)}; everything else closed"
    scan = next((scan for scan in evidence.web.ports if scan.machine == machine), None)
    if scan is None or scan.error:
        reason = scan.error if scan else "it was not scanned"
        yield Verdict("failed", expected, f"not known: {reason}", "run provision verify on the controller again")
        return
    seen = set(scan.open)
    if surplus := seen - wanted - allowed:
        text = f"open although not planned: {_list(surplus)}"
        step = f"'provision ssh {machine} -- nft list ruleset' shows the firewall; provision up writes it again"
        yield Verdict("failed", expected, text, step)
    elif missing := wanted - seen:
        text = f"closed although planned: {_list(missing)}"
        step = f"see service_health and listeners of '{machine}'; then its firewall: provision up writes it again"
        yield Verdict("failed", expected, text, step)
    else:
        yield Verdict("passed", expected, f"open: {_list(seen)}; {len(scan.tried) - len(seen)} tried and closed")


def open_ports(plan: Plan, machine: str) -> tuple[set[int], set[int]]:
    """TCP ports that must answer from the controller, and those that may (it can be in an admin's network)."""
    flows = [flow for flow in plan.flows if flow.target == machine and flow.protocol == "tcp"]
    return (
        {flow.port for flow in flows if flow.source in {"controller", "world"}},
        {flow.port for flow in flows if flow.source == "admin"},
    )


def _list(ports: set[int]) -> str:
    return ", ".join(map(str, sorted(ports))) or "none"


CHECK = Check(
    id="ports_outside",
    title="Ports from outside",
    asks="A connection scan from the controller finds exactly the ports that the plan opens to it and to the world.",
    fails="The firewall is not loaded, or a service is reachable that should not be.",
    targets=every_machine,
    judge=judge,
    needs=("machine_answers", "service_health", "listeners"),
)

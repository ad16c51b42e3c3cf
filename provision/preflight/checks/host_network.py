"""Plain host: has it the planned address, and are the planned ports free?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import HOST, Check, Evidence, Problem


def judge(evidence: Evidence) -> Iterator[Problem]:
    node, machine = evidence.node, evidence.host
    if machine is None:
        return
    if node.addresses is None:
        yield evidence.unknown("addresses", "which addresses it has")
    elif str(machine.address) not in node.addresses:
        there = ", ".join(address for address in node.addresses if not address.startswith("127."))
        yield Problem(
            f"the address {machine.address}, planned for '{machine.name}', is none of the host's: {there or 'none'}",
            "set network.cidr and machines.*.address to what the host has: a network, a number within it",
            where="ip address",
            concerns="plan",
        )
    if node.listeners is None:
        yield evidence.unknown("listeners", "which ports are taken")
        return
    planned = _ports(evidence)
    for listener in node.listeners:
        if listener.port in planned and not evidence.is_ours(listener.unit):
            by = listener.unit or listener.process or "an unknown process"
            yield Problem(
                f"port {listener.port}, planned for {planned[listener.port]}, is taken by {by}",
                f"stop it (systemctl disable --now {by})" if listener.unit else "stop it, or choose another port",
                where=f"{listener.address}:{listener.port}",
            )


def _ports(evidence: Evidence) -> dict[int, str]:
    plan, machine = evidence.plan, evidence.host
    name = machine.name if machine else ""
    ports = {service.port: service.name for service in plan.services if service.machine == name and service.port}
    ports |= {engine.port: f"model {engine.name}" for engine in plan.engines if engine.machine == name}
    ports |= {balancer.port: f"model {balancer.name}" for balancer in plan.balancers if balancer.machine == name}
    return ports | {flow.port: flow.purpose for flow in plan.flows if flow.source == "world" and flow.target == name}


CHECK = Check(
    id="host_network",
    asks="Plain host: it has the planned address; nobody else listens on a planned port.",
    why="Services listen on, and the firewall is written for, the planned address; a taken port stops a service.",
    judge=judge,
    platforms=HOST,
)

"""Listens every machine exactly where the plan says?"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from provision.models.observation import Listener
from provision.models.plan import Plan, PlannedMachine
from provision.verify.evidence import Check, Evidence, Verdict, every_machine
from provision.verify.next_step import logs_of

SSH_PORT = 22
CLIENT_UDP_PORTS = frozenset({68, 123, 323})
"""DHCP and time clients keep an unconnected socket; the firewall drops what nobody asked for."""
EPHEMERAL_FROM = 32768
"""net.ipv4.ip_local_port_range begins here on Linux: UDP sockets above it belong to outgoing traffic."""


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    planned = evidence.planned(machine)
    ports = planned_ports(evidence.plan, machine)
    expected = f"TCP {', '.join(map(str, sorted(ports)))} on {planned.address} or loopback, ssh, and nothing else"
    seen = evidence.machines[machine].listeners
    if seen is None or seen.error:
        reason = seen.error if seen else "the probe did not look"
        yield Verdict("failed", expected, f"not known: {reason}", "provision up configures the probe again")
        return
    wrong = [text for item in seen.sockets if (text := _object_to(item, planned, ports, evidence.plan))]
    silent = sorted(ports - {item.port for item in seen.sockets if item.protocol == "tcp"})
    if wrong:
        step = "bind it to loopback or the private address in its configuration, or stop the service: provision up"
        yield Verdict("failed", expected, "; ".join(wrong), step)
    elif silent:
        text = f"nothing listens on {', '.join(map(str, silent))}"
        yield Verdict("failed", expected, text, f"see service_health; {logs_of(machine)}")
    else:
        yield Verdict("passed", expected, _describe(seen.sockets))


def planned_ports(plan: Plan, machine: str) -> set[int]:
    """TCP ports on which the machine's services shall listen (ssh apart)."""
    ports = {service.port for service in plan.services if service.machine == machine and service.port}
    engines = [engine for engine in plan.engines if engine.machine == machine]
    ports -= {s.port for s in plan.services if s.machine == machine and s.name in {e.service for e in engines}}
    ports |= {engine.port for engine in engines}
    ports |= {balancer.port for balancer in plan.balancers if balancer.machine == machine}
    return {port for port in ports if port} | {
        flow.port for flow in plan.flows if flow.target == machine and flow.protocol == "tcp" and flow.port != SSH_PORT
    }


def _object_to(item: Listener, machine: PlannedMachine, ports: set[int], plan: Plan) -> str | None:
    """Why this socket should not be, or None."""
    address = ip_address(item.address.partition("%")[0])
    if address.is_loopback or (item.port == SSH_PORT and item.protocol == "tcp"):
        return None
    who = item.unit or item.process or "an unknown process"
    place = f"{who} listens on {item.address}:{item.port}/{item.protocol}"
    if item.protocol == "udp":
        wanted = {f.port for f in plan.flows if f.target == machine.name and f.protocol == "udp"} | CLIENT_UDP_PORTS
        return None if item.port in wanted or item.port >= EPHEMERAL_FROM else f"{place}: not planned"
    if item.port not in ports:
        return f"{place}: not planned"
    public = {f.port for f in plan.flows if f.target == machine.name and f.source == "world"}
    if address.is_unspecified and item.port not in public:
        return f"{place}: all addresses instead of {machine.address}"
    return None


def _describe(sockets: tuple[Listener, ...]) -> str:
    shown = sorted({f"{s.address}:{s.port}" for s in sockets if s.protocol == "tcp" and not _is_loopback(s)})
    return ", ".join(shown) or "only loopback"


def _is_loopback(item: Listener) -> bool:
    return ip_address(item.address.partition("%")[0]).is_loopback


CHECK = Check(
    id="listeners",
    title="Listening sockets",
    asks="Each machine listens on the planned ports, on its private address or loopback; on all addresses only ssh and "
    "what the world may open.",
    fails="A service is bound to 0.0.0.0, or something unplanned was installed.",
    targets=every_machine,
    judge=judge,
    needs=("machine_answers", "service_health"),
)

"""Which TCP ports of every machine accept a connection from the controller."""

from __future__ import annotations

import asyncio
import errno

from provision.models.observation_web import PortScan
from provision.models.plan import Plan, PlannedMachine
from provision.verify.checks.listeners import planned_ports
from provision.verify.checks.ports_outside import open_ports

WELL_KNOWN = (
    *(21, 22, 23, 25, 53, 80, 111, 139, 443, 445, 631, 873, 2049, 2375, 2376, 3000, 3306, 3389, 4000, 5000, 5355),
    *(5432, 5678, 5679, 5900, 6333, 6379, 8000, 8080, 8081, 8443, 8888, 9000, 9090, 9100, 9187, 9200, 11211, 11434),
    *(19999, 27017),
)
"""Services that are often left open: remote shells, shares, databases, container engines, model servers, exporters."""
_NOT_REACHED = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM})
"""A firewall may also answer 'prohibited', which the kernel reports as one of these."""
CONCURRENT = 64
OPEN_TIMEOUT_S = 5.0
"""For ports that must answer: a busy machine may take a moment."""
CLOSED_TIMEOUT_S = 1.0
"""For all others: a firewall that drops never answers, and a guest on the next bridge answers within milliseconds."""


def scan_ports(plan: Plan) -> tuple[PortScan, ...]:
    """Every planned port of any machine and the well-known ones, tried on every machine."""
    return asyncio.run(_scan_all(plan))


async def _scan_all(plan: Plan) -> tuple[PortScan, ...]:
    limit = asyncio.Semaphore(CONCURRENT)
    ports = sorted({*WELL_KNOWN, *(port for machine in plan.machines for port in planned_ports(plan, machine.name))})
    return tuple(await asyncio.gather(*(_scan(plan, machine, ports, limit) for machine in plan.machines)))


async def _scan(plan: Plan, machine: PlannedMachine, ports: list[int], limit: asyncio.Semaphore) -> PortScan:
    wanted, _ = open_ports(plan, machine.name)
    tries = sorted({*ports, *wanted})
    try:
        answers = await asyncio.gather(
            *(
                _answers(str(machine.address), port, OPEN_TIMEOUT_S if port in wanted else CLOSED_TIMEOUT_S, limit)
                for port in tries
            )
        )
    except OSError as error:
        return PortScan(machine=machine.name, tried=tuple(tries), open=(), error=str(error))
    return PortScan(
        machine=machine.name,
        tried=tuple(tries),
        open=tuple(port for port, is_open in zip(tries, answers, strict=True) if is_open),
    )


async def _answers(address: str, port: int, timeout_s: float, limit: asyncio.Semaphore) -> bool:
    """Whether the connection is accepted. Raises OSError where this machine itself cannot try (no sockets left)."""
    async with limit:
        try:
            async with asyncio.timeout(timeout_s):
                _, writer = await asyncio.open_connection(address, port)
        except (TimeoutError, ConnectionError):
            return False
        except OSError as error:
            if error.errno in _NOT_REACHED:
                return False
            raise
        writer.close()
        return True

"""What the probe of each machine is told to look at."""

from __future__ import annotations

from typing import Any

from provision.models.plan import EngineInstance, Plan, PlannedMachine, PlannedService

USERS = {
    "llama_cpp": "llama-cpp",
    "postgresql": "postgres",
    "open_webui": "open-webui",
    "n8n": "n8n",
    "caddy": "caddy",
}
"""The user that each service runs as; none of them may open a connection to the outside."""

_HEALTH = {"open_webui": "/ready", "n8n": "/healthz/readiness"}
_OUTSIDE_PORT = 443


def probe_vars(plan: Plan, machine: PlannedMachine) -> dict[str, Any]:
    """Units, engines, health addresses and the way out that must be closed."""
    services = [service for service in plan.services if service.machine == machine.name]
    engines = [engine for engine in plan.engines if engine.machine == machine.name]
    return {
        "probe_gpu": bool(machine.cards),
        "probe_units": [unit for service in services for unit in name_units(service, engines)],
        "probe_engines": [
            {
                "name": engine.name,
                "url": f"http://{machine.address}:{engine.port}",
                "unit": unit,
                "api_key_file": f"/etc/llama-cpp/{engine.name}.key",
                "embeddings": engine.embeddings,
            }
            for service in services
            for engine, unit in _engines_of(service, engines)
        ],
        "probe_http": [
            {"name": service.name, "url": f"http://{machine.address}:{service.port}{_HEALTH[service.name]}"}
            for service in services
            if service.name in _HEALTH
        ],
        "probe_vram_before": [
            {"engine": engine.name, "path": f"/run/llama-cpp/{engine.name}.vram-before.json"}
            for engine in engines
            if engine.cards
        ],
        # The router answers or forwards whatever reaches it, so silence there shows that nothing left the machine.
        "probe_egress": [
            {"user": USERS[service.name], "host": str(plan.gateway), "port": _OUTSIDE_PORT}
            for service in services
            if service.name in USERS
        ],
    }


def name_units(service: PlannedService, engines: list[EngineInstance]) -> list[str]:
    """The systemd units of a service: one per model where the unit is a template."""
    return [unit for _, unit in _engines_of(service, engines)] if "@." in service.unit else [service.unit]


def _engines_of(service: PlannedService, engines: list[EngineInstance]) -> list[tuple[EngineInstance, str]]:
    return [
        (engine, service.unit.replace("@.", f"@{engine.name}.")) for engine in engines if engine.service == service.name
    ]

"""What the probe of each machine is told to look at."""

from __future__ import annotations

from typing import Any

from provision.inventory.ollama_vars import ollama_probe_vars
from provision.models.inventory import InventoryInput
from provision.models.monitoring import LOOPBACK, PROMETHEUS
from provision.models.plan import EngineInstance, Plan, PlannedMachine, PlannedService

USERS = {
    "llama_cpp": "llama-cpp",
    "ollama": "ollama",
    "vllm": "vllm",
    "postgresql": "postgres",
    "qdrant": "qdrant",
    "open_webui": "open-webui",
    "n8n": "n8n",
    # The user of its front; its containers have no way out at all.
    "langfuse": "langfuse",
    "caddy": "caddy",
    "decision_layer": "decision-layer",
    # Debian's packages share one user.
    **dict.fromkeys(("prometheus", "alertmanager", "node_exporter"), "prometheus"),
    "gpu_exporter": "gpu-exporter",
    "grafana": "grafana",
}
"""The user that each service runs as; none of them may open a connection to the outside."""

_HEALTH = {
    "open_webui": "/ready",
    "n8n": "/healthz/readiness",
    "qdrant": "/readyz",
    "langfuse": "/api/public/health",
    "prometheus": "/-/ready",
    "alertmanager": "/-/ready",
    "grafana": "/api/health",
    "decision_layer": "/health",
}
_ON_LOOPBACK = frozenset({"prometheus", "alertmanager"})
_OUTSIDE_PORT = 443


def probe_vars(plan: Plan, machine: PlannedMachine, given: InventoryInput) -> dict[str, Any]:
    """Units, engines, health addresses and the way out that must be closed."""
    services = [service for service in plan.services if service.machine == machine.name]
    engines = [engine for engine in plan.engines if engine.machine == machine.name]
    return {
        "probe_gpu": bool(machine.cards),
        "probe_units": [
            *(unit for service in services for unit in name_units(service, engines)),
            *(balancer.unit for balancer in plan.balancers if balancer.machine == machine.name),
        ],
        "probe_engines": [
            {
                "name": engine.name,
                **({} if engine.service == "llama_cpp" else {"service": engine.service}),
                "url": f"http://{machine.address}:{engine.port}",
                "unit": unit,
                "api_key_file": f"/etc/{USERS[engine.service]}/{engine.name}.key",
                "embeddings": engine.embeddings,
                **(ollama_probe_vars(engine, given) if engine.service == "ollama" else {}),
            }
            for service in services
            for engine, unit in _engines_of(service, engines)
        ],
        "probe_http": [
            {"name": service.name, "url": f"http://{_host(service, machine)}:{service.port}{_HEALTH[service.name]}"}
            for service in services
            if service.name in _HEALTH
        ],
        "probe_vram_before": [
            {"engine": engine.name, "path": _vram_before(engine)} for engine in engines if engine.cards
        ],
        # The router answers or forwards whatever reaches it, so silence there shows that nothing left the machine.
        "probe_egress": [
            {"user": user, "host": str(plan.gateway), "port": _OUTSIDE_PORT}
            for user in dict.fromkeys(USERS[service.name] for service in services if service.name in USERS)
        ],
        "probe_prometheus": [
            {"url": f"http://{LOOPBACK}:{service.port}"} for service in services if service.name == PROMETHEUS
        ],
    }


def _host(service: PlannedService, machine: PlannedMachine) -> str:
    return LOOPBACK if service.name in _ON_LOOPBACK else str(machine.address)


def name_units(service: PlannedService, engines: list[EngineInstance]) -> list[str]:
    """The systemd units of a service: one per model where the unit is a template."""
    return [unit for _, unit in _engines_of(service, engines)] if "@." in service.unit else [service.unit]


def _engines_of(service: PlannedService, engines: list[EngineInstance]) -> list[tuple[EngineInstance, str]]:
    return [
        (engine, service.unit.replace("@.", f"@{engine.name}.")) for engine in engines if engine.service == service.name
    ]


def _vram_before(engine: EngineInstance) -> str:
    """Where the engine's unit noted what the cards held before; Ollama's is one for all its models."""
    name = "vram-before" if engine.service == "ollama" else f"{engine.name}.vram-before"
    return f"/run/{USERS[engine.service]}/{name}.json"

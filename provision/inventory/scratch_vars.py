"""Variables of the role scratch: which folders of models lie on the disk, and what must be in them."""

from __future__ import annotations

from typing import Any

from provision.inventory.probe_vars import USERS, name_units
from provision.models.inventory import InventoryInput
from provision.models.plan import EngineInstance, Plan, PlannedMachine, PlannedService

STORES = {"llama_cpp": "/var/lib/llama-cpp/models", "ollama": "/var/lib/ollama/models", "vllm": "/var/lib/vllm/models"}
"""Where each engine's role keeps its models."""


def scratch_vars(plan: Plan, machine: PlannedMachine, given: InventoryInput) -> dict[str, Any]:
    """Empty without a scratch disk."""
    if machine.scratch is None:
        return {}
    services = [service for service in plan.services if service.machine == machine.name and service.name in STORES]
    return {
        "scratch_device": machine.scratch,
        "scratch_stores": [_store(plan, machine, service, given) for service in services],
    }


def _store(plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    engines = [engine for engine in plan.engines if (engine.machine, engine.service) == (machine.name, service.name)]
    user = USERS[service.name]
    return {
        "name": user,
        "path": STORES[service.name],
        "group": user,
        "units": name_units(service, engines),
        # Ollama's files lie under names of its own making, so they are fetched by its role alone.
        "files": [] if service.name == "ollama" else _files(engines, given),
    }


def _files(engines: list[EngineInstance], given: InventoryInput) -> list[dict[str, Any]]:
    """A GGUF by its name, a checkpoint's files by FOLDER/NAME."""
    wanted = {engine.model_file for engine in engines}
    found = [model for model in given.model_files if model.file in wanted or model.file.partition("/")[0] in wanted]
    return [model.model_dump(mode="json") for model in found]

"""Variables of the role qdrant, and of those who keep their vectors there."""

from __future__ import annotations

from typing import Any

from provision.inventory.base_vars import address_of
from provision.models.inventory import InventoryInput, SecretReference
from provision.models.plan import Plan, PlannedMachine, PlannedService

API_KEY = SecretReference(name="qdrant_api_key")
READ_ONLY_KEY = SecretReference(name="qdrant_read_only_api_key")


def qdrant_vars(_plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    wanted = [artifact for artifact in given.artifacts if artifact.name in service.artifacts]
    return {
        "qdrant_release_id": service.release,
        "qdrant_artifacts": [artifact.model_dump(exclude={"name"}) for artifact in wanted],
        # Not loopback where its clients are elsewhere; the firewall lets in whom the plan's flows name.
        "qdrant_address": str(machine.address),
        "qdrant_port": service.port,
        "qdrant_api_key": API_KEY,
        "qdrant_read_only_api_key": READ_ONLY_KEY,
    }


def vector_store(plan: Plan) -> dict[str, Any]:
    """`url`, `key`, and `address` and `port` to wait for; empty where the plan has no Qdrant."""
    service = next((service for service in plan.services if service.name == "qdrant"), None)
    if service is None:
        return {}
    address = str(address_of(plan, service.machine))
    return {"url": f"http://{address}:{service.port}", "key": API_KEY, "address": address, "port": service.port}

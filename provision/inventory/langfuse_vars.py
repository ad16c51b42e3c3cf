"""Variables of the role langfuse."""

from __future__ import annotations

from typing import Any

from provision.inventory.base_vars import LANGFUSE_BRIDGE
from provision.inventory.secrets import LANGFUSE
from provision.models.inventory import InventoryInput, SecretReference
from provision.models.plan import Plan, PlannedMachine, PlannedService


def langfuse_vars(
    plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput
) -> dict[str, Any]:
    """Images by the part they play: the image `langfuse-redis` is that of `redis`, `langfuse` that of `web`."""
    site = next((site for site in plan.sites if site.name == "traces"), None)
    wanted = [image for image in given.images if image.name in service.images]
    return {
        "langfuse_address": str(machine.address),
        "langfuse_port": service.port,
        "langfuse_bridge": LANGFUSE_BRIDGE,
        "langfuse_url": site.url.rstrip("/") if site else f"http://{machine.address}:{service.port}",
        "langfuse_images": [
            image.model_dump() | {"name": image.name.removeprefix("langfuse-").replace("langfuse", "web")}
            for image in wanted
        ],
        # The lab's container stands in for the VM, and an unprivileged one may not raise limits.
        **({"langfuse_open_files": 0} if plan.target == "lab" else {}),
        "langfuse_organisation": plan.client,
        "langfuse_admin": {"email": plan.admin_email, "name": plan.admin_name},
        "langfuse_secrets": {name.removeprefix("langfuse_"): SecretReference(name=name) for name in LANGFUSE},
    }

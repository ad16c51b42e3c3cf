"""Variables of the role grafana."""

from __future__ import annotations

from typing import Any

from provision.models.inventory import InventoryInput, SecretReference
from provision.models.monitoring import LOOPBACK, PROMETHEUS, list_dashboards
from provision.models.plan import Plan, PlannedMachine, PlannedService

SITE = "metrics"


def grafana_vars(plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    wanted = [artifact for artifact in given.artifacts if artifact.name in service.artifacts]
    prometheus = next(other for other in plan.services if other.name == PROMETHEUS)
    site = next((site for site in plan.sites if site.name == SITE), None)
    return {
        "grafana_release_id": service.release,
        "grafana_artifacts": [artifact.model_dump(exclude={"name"}) for artifact in wanted],
        # The private bridge: the gateway is elsewhere, and the firewall lets in whom the plan's flows name.
        "grafana_address": str(machine.address),
        "grafana_port": service.port,
        "grafana_url": site.url.rstrip("/") if site else f"http://{machine.address}:{service.port}",
        "grafana_admin": {"email": plan.admin_email, "password": SecretReference(name="grafana_admin_password")},
        "grafana_secret_key": SecretReference(name="grafana_secret_key"),
        "grafana_prometheus_url": f"http://{LOOPBACK}:{prometheus.port}",
        "grafana_dashboards": list(list_dashboards(plan)),
    }

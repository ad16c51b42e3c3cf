"""What Prometheus reads of a plan, and the alerts that it must know: one list for the inventory and the checks."""

from __future__ import annotations

from typing import Literal

from provision.models.base import Frozen
from provision.models.plan import Plan

Job = Literal["node", "gpu", "llama_cpp", "vllm", "caddy", "decision_layer", "prometheus", "alertmanager"]
ENGINE_JOBS: tuple[Job, ...] = ("llama_cpp", "vllm")
"""Engines that tell metrics, each by its own key; Ollama has none."""

PROMETHEUS = "prometheus"
ALERTMANAGER = "alertmanager"
GRAFANA = "grafana"
NODE_EXPORTER = "node_exporter"
GPU_EXPORTER = "gpu_exporter"
GATEWAY = "caddy"
DECISION_LAYER = "decision_layer"
GATEWAY_METRICS_PORT = 9180
LOOPBACK = "127.0.0.1"

DATA_SOURCE = "prometheus"
"""Uid of the data source that the role grafana provisions; the dashboards name it."""
DASHBOARDS = ("overview", "engines", "gpus", "gateway", "decisions", "hosts", "backups")
"""Uids of the dashboards in roles/grafana/files/dashboards; the first is Grafana's home."""

WITH_SNAPSHOTS = frozenset({"qdrant"})
"""Services whose role has a timer that keeps copies; its name says snapshot or backup."""

ALERTS = (
    "MachineDown",
    "ExporterDown",
    "FilesystemFilling",
    "MemoryShort",
    "UnitFailed",
    "BackupOverdue",
    "EngineDown",
    "GatewayFailing",
    "CertificateExpires",
    "CertificateUnreadable",
    "GpuUnreadable",
    "GpuGone",
    "GpuHot",
    "GpuMemoryAbovePlan",
    "ModelFellBackToCpu",
    "DecisionLayerDown",
    "DecisionsNotRecorded",
    "ModelsDoNotAnswer",
    "FallbacksFrequent",
    "DetectorFailing",
    "ClientsTurnedAway",
    "CheckpointOverdue",
    "RecordsNotWhole",
    "VerificationOverdue",
    "AuditDiskShort",
    "ChallengeFiled",
    "ChallengeDueSoon",
    "ChallengeOverdue",
    "AlertsNotDelivered",
)
"""Names of the rules in roles/prometheus/files/alerts.yml; a unit test holds the two together."""

_JOBS: dict[str, Job] = {
    NODE_EXPORTER: "node",
    GPU_EXPORTER: "gpu",
    DECISION_LAYER: "decision_layer",
    PROMETHEUS: "prometheus",
    ALERTMANAGER: "alertmanager",
}


class ScrapeTarget(Frozen):
    """One address that Prometheus reads. `name`: the engine's, or the machine's."""

    job: Job
    name: str
    machine: str
    address: str
    """host:port; loopback for what listens there alone."""


def list_targets(plan: Plan) -> tuple[ScrapeTarget, ...]:
    """Everything that shall be read, in the plan's order; none where no Prometheus is planned."""
    if all(service.name != PROMETHEUS for service in plan.services):
        return ()
    addresses = {machine.name: str(machine.address) for machine in plan.machines}
    services = [
        ScrapeTarget(
            job=_JOBS[service.name],
            name=service.machine,
            machine=service.machine,
            address=f"{_host(service.name, addresses[service.machine])}:{service.port}",
        )
        for service in plan.services
        if service.name in _JOBS
    ]
    engines = [
        ScrapeTarget(
            job=job,
            name=engine.name,
            machine=engine.machine,
            address=f"{addresses[engine.machine]}:{engine.port}",
        )
        for engine in plan.engines
        for job in ENGINE_JOBS
        if engine.service == job
    ]
    gateways = [
        ScrapeTarget(
            job="caddy",
            name=service.machine,
            machine=service.machine,
            address=f"{metrics_address(plan, service.machine)}:{GATEWAY_METRICS_PORT}",
        )
        for service in plan.services
        if service.name == GATEWAY
    ]
    return (*services, *gateways, *engines)


def metrics_address(plan: Plan, gateway: str) -> str:
    """Where the gateway tells Prometheus what it served: on loopback where both are on one machine."""
    home = next(service.machine for service in plan.services if service.name == PROMETHEUS)
    return LOOPBACK if home == gateway else next(str(m.address) for m in plan.machines if m.name == gateway)


def list_dashboards(plan: Plan) -> tuple[str, ...]:
    """Those that this plan has something for, in the order of the list."""
    placed = {service.name for service in plan.services}
    there = {
        "engines": any(engine.service in ENGINE_JOBS for engine in plan.engines),
        "gpus": bool(plan.cards),
        "backups": bool(WITH_SNAPSHOTS & placed),
        "gateway": GATEWAY in placed,
        "decisions": DECISION_LAYER in placed,
    }
    return tuple(name for name in DASHBOARDS if there.get(name, True))


def _host(service: str, address: str) -> str:
    return LOOPBACK if service in {PROMETHEUS, ALERTMANAGER} else address

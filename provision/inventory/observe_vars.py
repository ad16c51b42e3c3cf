"""Variables of the monitoring roles: whom Prometheus reads, and with which name and password."""

from __future__ import annotations

from typing import Any

from provision.inventory.secrets import MAIL_PASSWORD, WEBHOOK_TOKEN, api_key_of
from provision.models.inventory import InventoryInput, SecretReference
from provision.models.monitoring import (
    ENGINE_JOBS,
    GATEWAY,
    GATEWAY_METRICS_PORT,
    LOOPBACK,
    PROMETHEUS,
    list_targets,
    metrics_address,
)
from provision.models.plan import Plan, PlannedMachine, PlannedService

METRICS_USER = "prometheus"


def prometheus_vars(plan: Plan, _m: PlannedMachine, service: PlannedService, _g: InventoryInput) -> dict[str, Any]:
    alertmanager = next(other for other in plan.services if other.name == "alertmanager")
    engines = {engine.name: engine for engine in plan.engines}
    return {
        "prometheus_port": service.port,
        "prometheus_alertmanager": f"{LOOPBACK}:{alertmanager.port}",
        "prometheus_client": plan.client,
        "prometheus_metrics_user": METRICS_USER,
        "prometheus_metrics_password": SecretReference(name="metrics_password"),
        "prometheus_targets": [target.model_dump() for target in list_targets(plan) if target.job not in ENGINE_JOBS],
        "prometheus_engines": [
            {**target.model_dump(), "api_key": api_key_of(engines[target.name])}
            for target in list_targets(plan)
            if target.job in ENGINE_JOBS
        ],
    }


def alertmanager_vars(
    plan: Plan, _machine: PlannedMachine, service: PlannedService, _given: InventoryInput
) -> dict[str, Any]:
    mail, webhook = plan.alerts.mail, plan.alerts.webhook
    return {
        "alertmanager_port": service.port,
        "alertmanager_mail": {
            "to": mail.to,
            "sender": mail.sender,
            "smarthost": mail.smarthost,
            "user": mail.user or "",
            **({"password": SecretReference(name=MAIL_PASSWORD)} if mail.user else {}),
            "starttls": mail.starttls,
        }
        if mail
        else {},
        "alertmanager_webhook": {"url": webhook.url, "token": SecretReference(name=WEBHOOK_TOKEN)} if webhook else {},
    }


def is_watched(plan: Plan) -> bool:
    """Whether there is a Prometheus to read metrics."""
    return any(service.name == PROMETHEUS for service in plan.services)


def gateway_metrics(plan: Plan, machine: PlannedMachine) -> dict[str, Any]:
    """Where Caddy tells what it served, and to whom; empty where no Prometheus is planned."""
    if not is_watched(plan):
        return {}
    return {
        "address": metrics_address(plan, machine.name),
        "port": GATEWAY_METRICS_PORT,
        "user": METRICS_USER,
        "password_hash": SecretReference(name="metrics_password_hash"),
    }


def node_exporter_vars(
    plan: Plan, machine: PlannedMachine, service: PlannedService, _given: InventoryInput
) -> dict[str, Any]:
    sites = plan.sites if GATEWAY in machine.services else ()
    return {
        "node_exporter_sites": [
            {"name": site.name, "host": site.host, "address": str(machine.address), "port": site.port} for site in sites
        ],
        "node_exporter_address": str(machine.address),
        "node_exporter_port": service.port,
        "node_exporter_user": METRICS_USER,
        "node_exporter_password_hash": SecretReference(name="metrics_password_hash"),
    }


def gpu_exporter_vars(
    plan: Plan, machine: PlannedMachine, service: PlannedService, _given: InventoryInput
) -> dict[str, Any]:
    cards = {card.index: card for card in plan.cards}
    return {
        "gpu_exporter_address": str(machine.address),
        "gpu_exporter_port": service.port,
        "gpu_exporter_user": METRICS_USER,
        "gpu_exporter_password": SecretReference(name="metrics_password"),
        "gpu_exporter_cards": [
            {"index": card.index, "uuid": card.uuid or ""} for card in plan.cards if card.index in machine.cards
        ],
        "gpu_exporter_engines": [
            {"name": engine.name, "card": budget.card, "uuid": cards[budget.card].uuid or "", "mib": budget.total_mib}
            for engine in plan.engines
            if engine.machine == machine.name
            for budget in engine.cards
        ],
        "gpu_exporter_simulated": any(card.simulated for card in plan.cards),
    }

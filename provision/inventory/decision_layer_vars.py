"""Variables of the role decision_layer, and of those who ask it."""

from __future__ import annotations

from typing import Any

import yaml

from provision.inventory.base_vars import address_of
from provision.inventory.policy import build_policy, client_key, cloud_key, engine_key, person_key
from provision.inventory.secrets import (
    AUDIT_KEY,
    api_key_of,
    client_secret,
    cloud_secret,
    decision_clients,
    decision_people,
    person_secret,
)
from provision.models.inventory import InventoryInput, SecretReference
from provision.models.plan import Plan, PlannedMachine, PlannedService


def decision_layer_vars(
    plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput
) -> dict[str, Any]:
    """All but its release."""
    return {
        "decision_layer_address": str(machine.address),
        "decision_layer_port": service.port,
        "decision_layer_policy": policy_text(plan, given),
        "decision_layer_keys": [{"name": name, "key": key} for name, key in _keys(plan).items()],
    }


def policy_text(plan: Plan, given: InventoryInput) -> str:
    """The policy file, as YAML."""
    firm = yaml.safe_load(given.firm_policy) if given.firm_policy else None
    policy = build_policy(plan, given.certificate.providers, firm)
    head = "# Written by provision from the plan. One endpoint for all models: what may go where, and who may ask.\n"
    return head + yaml.safe_dump(policy, sort_keys=False, allow_unicode=True, width=120)


def endpoint(plan: Plan, client: str) -> dict[str, Any]:
    """`url` (ends in /v1) and `key` of the one place where this client asks for every model."""
    service = next(service for service in plan.services if service.name == "decision_layer")
    url = f"http://{address_of(plan, service.machine)}:{service.port}/v1"
    return {"url": url, "key": client_secret(client)}


def _keys(plan: Plan) -> dict[str, SecretReference]:
    """Every key that the policy names, by its name there, and the audit trail's."""
    return {
        "audit": SecretReference(name=AUDIT_KEY),
        **{client_key(name): client_secret(name) for name in decision_clients(plan)},
        **{person_key(name): person_secret(name) for name in decision_people(plan)},
        **{cloud_key(model.key): cloud_secret(model.key) for model in plan.routing.models},
        **{engine_key(engine): api_key_of(engine) for engine in plan.asked_engines},
    }

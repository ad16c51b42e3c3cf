"""Variables of the role decision_layer, and of those who ask it."""

from __future__ import annotations

from typing import Any

import yaml

from provision.inventory.base_vars import address_of, seen_from
from provision.inventory.observe_vars import METRICS_USER, is_watched
from provision.inventory.policy import build_policy, client_key, cloud_key, engine_key, person_key
from provision.inventory.secrets import (
    AUDIT_KEY,
    api_key_of,
    client_secret,
    cloud_secret,
    database_password,
    database_users,
    decision_clients,
    decision_people,
    person_secret,
)
from provision.models.inventory import InventoryInput, SecretReference
from provision.models.plan import Plan, PlannedMachine, PlannedService

_SERVICE = "decision_layer"
_DATABASE_KEY = "audit_database"  # the name of the file, which decision_layer's settings take by default
METRICS_KEY = "metrics"
"""Name of the file with the password by which Prometheus reads."""
_LANGFUSE_KEYS = {"public": "pk-lf-", "secret": "sk-lf-"}
"""Keys of Langfuse's project, with what upstream has before each and the vault has not."""


def decision_layer_vars(
    plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput
) -> dict[str, Any]:
    """All but its release."""
    return {
        "decision_layer_metrics": {"user": METRICS_USER, "key": METRICS_KEY} if is_watched(plan) else {},
        "decision_layer_address": str(machine.address),
        "decision_layer_port": service.port,
        "decision_layer_policy": policy_text(plan, given),
        "decision_layer_audit_url": audit_url(plan),
        "decision_layer_retain_days": plan.routing.retain_days or 0,
        "decision_layer_langfuse": _langfuse(plan),
        "decision_layer_keys": [
            *({"name": name, "key": key} for name, key in _keys(plan).items()),
            *_langfuse_keys(plan),
        ],
    }


def _langfuse(plan: Plan) -> dict[str, str]:
    """Where its records are sent, and the names of the keys; {} where no Langfuse is planned."""
    service = next((service for service in plan.services if service.name == "langfuse"), None)
    if service is None:
        return {}
    names = {f"{kind}_key": f"langfuse_{kind}" for kind in _LANGFUSE_KEYS}
    # Its port is of the machine's address, also for who is on the same machine.
    return {"url": f"http://{address_of(plan, service.machine)}:{service.port}", **names}


def _langfuse_keys(plan: Plan) -> list[dict[str, Any]]:
    if all(service.name != "langfuse" for service in plan.services):
        return []
    return [
        {"name": f"langfuse_{kind}", "key": SecretReference(name=f"langfuse_{kind}_key"), "prefix": prefix}
        for kind, prefix in _LANGFUSE_KEYS.items()
    ]


def audit_url(plan: Plan) -> str:
    """Of the record's database, without its password; "" where the record is on the decision layer's own disk."""
    if _SERVICE not in database_users(plan):
        return ""
    own, server = (
        next(service for service in plan.services if service.name == name) for name in (_SERVICE, "postgresql")
    )
    return f"postgresql://{_SERVICE}@{seen_from(plan, own.machine, server.machine)}:{server.port}/{_SERVICE}"


def audit_words(plan: Plan) -> tuple[str, ...]:
    """What `decision-layer audit` is told on its machine of where the record is, beside the directory."""
    url = audit_url(plan)
    return ("--postgresql", url, "--password-file", f"/etc/decision-layer/credentials/{_DATABASE_KEY}") if url else ()


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
    """Every key that the policy names, by its name there, and those of the audit trail."""
    database = {_DATABASE_KEY: database_password(_SERVICE)} if audit_url(plan) else {}
    return {
        "audit": SecretReference(name=AUDIT_KEY),
        **database,
        **{client_key(name): client_secret(name) for name in decision_clients(plan)},
        **{person_key(name): person_secret(name) for name in decision_people(plan)},
        **{cloud_key(model.key): cloud_secret(model.key) for model in plan.routing.models},
        **{engine_key(engine): api_key_of(engine) for engine in plan.asked_engines},
        **({METRICS_KEY: SecretReference(name="metrics_password")} if is_watched(plan) else {}),
    }

"""Which secrets a plan needs: the one list that the vault is filled from."""

from __future__ import annotations

from provision.models.inventory import SecretReference
from provision.models.plan import Plan

DATABASE_USERS = ("open_webui", "n8n")
"""Services that keep their data in PostgreSQL, each in a database of its own."""

_OF_SERVICE = {
    "open_webui": {
        "open_webui_admin_password": "password",
        "open_webui_secret_key": "token",
        "open_webui_database_password": "password",
    },
    "n8n": {
        "n8n_owner_password": "password",
        "n8n_owner_password_hash": "bcrypt-of:n8n_owner_password",
        "n8n_encryption_key": "hex32",
        "n8n_webhook_key": "token",
        "n8n_database_password": "password",
    },
}


def required_secrets(plan: Plan) -> dict[str, str]:
    """Name and kind (`password`, `token`, `hex32`, `bcrypt-of:<name>`) of every secret the plan's roles read."""
    needed: dict[str, str] = {}
    for service in plan.services:
        needed |= _OF_SERVICE.get(service.name, {})
    for engine in plan.engines:
        needed[api_key_of(engine.name).name] = "token"
    return dict(sorted(needed.items()))


def api_key_of(engine: str) -> SecretReference:
    """The key that clients of a model's server must send."""
    return SecretReference(name=f"llama_cpp_api_key_{engine.replace('-', '_')}")

"""Which secrets a plan needs: the one list that the vault is filled from."""

from __future__ import annotations

from provision.models.inventory import SecretReference
from provision.models.plan import EngineInstance, Plan

SUPPLIED = "supplied"
"""The kind of secrets that nobody makes: they are put into the vault from the administrator's file."""
SITE_KEY = SecretReference(name="caddy_site_key")
"""The private key of a supplied certificate; it comes from the administrator's file."""
_DATABASE_USERS = ("open_webui", "n8n")

MAIL_PASSWORD = "alerts_mail_password"  # noqa: S105 - its name
WEBHOOK_TOKEN = "alerts_webhook_token"  # noqa: S105 - its name
GIVEN = "given"
"""Kind of a secret that somebody else makes: `provision secrets set` takes it."""
SIGN_IN_SECRET = "open_webui_oidc_client_secret"  # noqa: S105 - its name
AUDIT_KEY = "decision_layer_audit_key"
DOCUMENTS_CLIENT = "open-webui-documents"
"""Open WebUI where it has vectors made of documents."""
LANGFUSE = {
    "langfuse_admin_password": "password",
    # Keys of the project, without upstream's prefixes pk-lf- and sk-lf-.
    "langfuse_public_key": "token",
    "langfuse_secret_key": "token",
    "langfuse_nextauth_secret": "token",
    "langfuse_salt": "token",
    "langfuse_encryption_key": "hex32",
    "langfuse_postgres_password": "token",
    "langfuse_clickhouse_password": "token",
    "langfuse_redis_password": "token",
    "langfuse_minio_password": "token",
}
"""Langfuse takes the first of them at its first start only (secret_rotation.py)."""

_METRICS = {"metrics_password": "password", "metrics_password_hash": "bcrypt-of:metrics_password"}
_OF_SERVICE = {
    "open_webui": {
        "open_webui_admin_password": "password",
        "open_webui_secret_key": "token",
        "open_webui_database_password": "password",
    },
    "qdrant": {"qdrant_api_key": "token", "qdrant_read_only_api_key": "token"},
    "n8n": {
        "n8n_owner_password": "password",
        "n8n_owner_password_hash": "bcrypt-of:n8n_owner_password",
        "n8n_encryption_key": "hex32",
        "n8n_webhook_key": "token",
        "n8n_database_password": "password",
    },
    "decision_layer": {AUDIT_KEY: "hex32"},
    "grafana": {"grafana_admin_password": "password", "grafana_secret_key": "hex32"},
    "langfuse": LANGFUSE,
    # One name and password for every exporter: Prometheus has it, the exporters its hash.
    "node_exporter": _METRICS,
    "gpu_exporter": _METRICS,
    "prometheus": _METRICS,
}


def database_users(plan: Plan) -> tuple[str, ...]:
    """Services that keep their data in the plan's PostgreSQL, each in a database of its own."""
    audit = ("decision_layer",) if plan.routing.audit == "postgresql" else ()
    return (*_DATABASE_USERS, *audit)


def database_password(user: str) -> SecretReference:
    """Of the role that owns a service's database."""
    return SecretReference(name=f"{user}_database_password")


def required_secrets(plan: Plan) -> dict[str, str]:
    """Name and kind of every secret the plan's roles read.

    Kinds: `password`, `token`, `hex32`, `bcrypt-of:<name>`, `given`, `supplied`.
    """
    needed: dict[str, str] = {}
    for service in plan.services:
        needed |= _OF_SERVICE.get(service.name, {})
    needed |= {client_secret(client).name: "token" for client in decision_clients(plan)}
    needed |= {cloud_secret(model.key).name: GIVEN for model in plan.routing.models}
    if "decision_layer" in database_users(plan):
        needed[database_password("decision_layer").name] = "password"
    if plan.sign_in:
        needed[SIGN_IN_SECRET] = GIVEN
    for engine in plan.engines:
        needed[api_key_of(engine).name] = "token"
    if plan.alerts.mail and plan.alerts.mail.user:
        needed[MAIL_PASSWORD] = GIVEN
    if plan.alerts.webhook:
        needed[WEBHOOK_TOKEN] = "token"
    if plan.certificate.source == "supplied" and any(service.name == "caddy" for service in plan.services):
        needed[SITE_KEY.name] = SUPPLIED
    return dict(sorted(needed.items()))


def api_key_of(engine: EngineInstance) -> SecretReference:
    """The key that clients of a model's server must send; all servers of one model have the same."""
    return SecretReference(name=f"{engine.service}_api_key_{engine.served_name.replace('-', '_')}")


def decision_clients(plan: Plan) -> tuple[str, ...]:
    """Who may ask the plan's decision layer, each with a key of its own; `verify` is `provision verify`."""
    placed = {service.name for service in plan.services}
    if "decision_layer" not in placed:
        return ()
    webui = ("open-webui", *((DOCUMENTS_CLIENT,) if any(engine.embeddings for engine in plan.engines) else ()))
    return (*(webui if "open_webui" in placed else ()), *(("n8n",) if "n8n" in placed else ()), "verify")


def cloud_secret(key: str) -> SecretReference:
    """A provider's key, which the firm got from it."""
    return SecretReference(name=f"decision_layer_key_{key.replace('-', '_')}")


def client_secret(client: str) -> SecretReference:
    """The key with which a client asks the decision layer."""
    return SecretReference(name=f"decision_layer_client_{client.replace('-', '_')}")

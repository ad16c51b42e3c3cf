"""What may be rotated, and what a new value would destroy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from provision.inventory.secrets import GIVEN, WEBHOOK_TOKEN

LOST_WITH = {
    "open_webui_secret_key": "everybody is signed out of Open WebUI, and stored OAuth sessions are lost",
}
"""A new value works, and this is lost: only with --accept-loss, and never with --all."""

NEVER = {
    "n8n_encryption_key": (
        "n8n encrypts its stored credentials with keys under this one, keeps a copy in its settings file, and does not "
        "start where the two differ; upstream rotates the keys below it, in n8n's own settings, and never this one"
    ),
    "decision_layer_audit_key": "the records of earlier decisions are proven and their sealed parts are read with it",
    "decision_layer_policy_key": "the policy on the machine is signed with it, and no other signature of it exists",
    "grafana_secret_key": "Grafana encrypts secrets in its database with it, and reads none of them with another",
}
"""No new value works. n8n: docs.n8n.io, 'Rotate encryption keys' ("This key never changes"); n8n-io/n8n#8332."""

_BY_ROLES = re.compile(
    r"[a-z0-9_]+_database_password|(llama_cpp|vllm|ollama)_api_key_[a-z0-9_]+|qdrant_(read_only_)?api_key|metrics_password"
    r"|decision_layer_(client|person)_[a-z0-9_]+|n8n_webhook_key|n8n_owner_password|grafana_admin_password|open_webui_admin_password|open_webui_secret_key"
)
"""Values that a service reads at each start, or that a role or the pipeline brings into its data. Any other may be read
at a service's first start only (Langfuse's first keys, a container's password): then a new one would lock it out."""
_SUPPLIED = "supplied"
_STORED_DATA = "hex32"
"""The kind of keys that encrypt what a service stored: never without a word of its own above."""
_REFERENCE = re.compile(r"provision_secrets\.([a-z][a-z0-9_]*)")


def is_given(name: str, kind: str) -> bool:
    """Whether somebody else makes it, or may: what `provision secrets set` takes."""
    return kind == GIVEN or name == WEBHOOK_TOKEN


def why_kept(name: str, kind: str) -> str | None:
    """Why a secret is never rotated, or None."""
    if is_given(name, kind):
        return f"its other side is not ours: provision secrets set {name}"
    if kind.startswith("bcrypt-of:"):
        return f"it follows {kind.removeprefix('bcrypt-of:')}"
    if kind == _SUPPLIED:
        return "it comes from the administrator's file: put a new one there, then provision up"
    if kind == _STORED_DATA:
        return NEVER.get(name, "it encrypts what the service stored")
    return NEVER.get(name) or (None if _BY_ROLES.fullmatch(name) else "its service may read it at its first start only")


def find_users(machine_vars: Mapping[str, object], services: tuple[str, ...]) -> dict[str, set[str]]:
    """Services by the secret that their variables refer to. A role's variables begin with the service's name."""
    users: dict[str, set[str]] = {}
    for variable, value in machine_vars.items():
        owner = max((s for s in services if variable.startswith(f"{s}_")), key=len, default=None)
        for name in _find_references(value) if owner else ():
            users.setdefault(name, set()).add(str(owner))
    return users


def _find_references(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from _REFERENCE.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _find_references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _find_references(item)

"""A client's secrets: made once, kept in Ansible Vault, never made again silently."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import bcrypt
import yaml

from provision.errors import SetupError
from provision.runner.workspace import Workspace, write_private


def ensure_secrets(workspace: Workspace, required: Mapping[str, str]) -> dict[str, str]:
    """All required secrets, with the missing ones made and saved. Existing ones are never changed.

    `required` maps a name to its kind: `password`, `token`, `hex32` (64 hex digits) or `bcrypt-of:<name>`.
    Raises SetupError if the vault cannot be opened.
    """
    known = read_secrets(workspace) if workspace.secrets_file.exists() else {}
    missing = {name: kind for name, kind in required.items() if name not in known}
    if missing:
        for name, kind in sorted(missing.items(), key=lambda item: item[1].startswith("bcrypt-of:")):
            known[name] = _make(kind, known)
        _save(workspace, known)
    return known


def keep_secret(workspace: Workspace, name: str, value: str) -> None:
    """Keep one that somebody else made; it takes the place of a former one. Raises SetupError for a locked vault."""
    known = read_secrets(workspace) if workspace.secrets_file.exists() else {}
    _save(workspace, {**known, name: value})


def read_secrets(workspace: Workspace) -> dict[str, str]:
    """Open the vault. Raises SetupError where the password is missing or wrong."""
    try:
        text = _vault(workspace).decrypt(workspace.secrets_file.read_bytes())
    except Exception as error:
        raise SetupError(
            "the client's vault cannot be opened",
            where=str(workspace.secrets_file),
            hint=f"restore {workspace.vault_password_file} from the backup; without it the secrets are lost",
        ) from error
    content: dict[str, dict[str, str]] = yaml.safe_load(text)
    return dict(content["provision_secrets"])


def _save(workspace: Workspace, values: Mapping[str, str]) -> None:
    if not workspace.vault_password_file.exists():
        write_private(workspace.vault_password_file, secrets.token_urlsafe(32) + "\n")
    text = yaml.safe_dump({"provision_secrets": dict(sorted(values.items()))})
    write_private(workspace.secrets_file, _vault(workspace).encrypt(text))


def _make(kind: str, known: Mapping[str, str]) -> str:
    match kind.partition(":"):
        case ("password", _, _):
            return secrets.token_urlsafe(18)
        case ("token", _, _):
            return secrets.token_urlsafe(32)
        case ("hex32", _, _):
            return secrets.token_hex(32)
        case ("bcrypt-of", _, name):
            return bcrypt.hashpw(known[name].encode(), bcrypt.gensalt(rounds=10)).decode()
    raise ValueError(f"unknown kind of secret: {kind}")


def _vault(workspace: Workspace) -> Any:
    # Imported here: Ansible takes a third of a second, and most verbs need no secret.
    from ansible.parsing.vault import VaultLib, VaultSecret

    password = workspace.vault_password_file.read_bytes().strip()
    return VaultLib([("default", VaultSecret(password))])

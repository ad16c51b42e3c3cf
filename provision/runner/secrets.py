"""A client's secrets: made once, kept in Ansible Vault, never made again silently."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bcrypt
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from provision.errors import SetupError
from provision.runner.workspace import Workspace, write_private


def ensure_secrets(workspace: Workspace, required: Mapping[str, str]) -> dict[str, str]:
    """All required secrets, with the missing ones made and saved. Existing ones are never changed.

    `required` maps a name to its kind: `password`, `token`, `hex32` (64 hex digits), `ed25519` (a private key
    in PEM), `bcrypt-of:<name>` or `given`.
    Raises SetupError if the vault cannot be opened, or lacks one that somebody else makes.
    """
    known = read_secrets(workspace) if workspace.secrets_file.exists() else {}
    missing = {name: kind for name, kind in required.items() if name not in known}
    if lacking := [name for name, kind in missing.items() if kind == "given"]:
        raise SetupError(
            f"only its other side knows {', '.join(lacking)}, and nobody gave it yet",
            where=str(workspace.secrets_file),
            hint=f"provision secrets set {lacking[0]} takes it, with the same --profile or --client",
        )
    if missing:
        for name, kind in sorted(missing.items(), key=lambda item: item[1].startswith("bcrypt-of:")):
            known[name] = make_secret(kind, known)
        save_secrets(workspace, known)
    return known


def keep_secret(workspace: Workspace, name: str, value: str) -> None:
    """Keep one that somebody else made; it takes the place of a former one. Raises SetupError for a locked vault."""
    known = read_secrets(workspace) if workspace.secrets_file.exists() else {}
    save_secrets(workspace, {**known, name: value})


def read_secrets(workspace: Workspace) -> dict[str, str]:
    """Open the vault. Raises SetupError where the password is missing or wrong."""
    return dict(unseal(workspace, workspace.secrets_file)["provision_secrets"])


def save_secrets(workspace: Workspace, values: Mapping[str, str]) -> None:
    """Let the vault hold exactly `values`, and note since when each of them is what it is."""
    known = read_secrets(workspace) if workspace.secrets_file.exists() else {}
    seal(workspace, workspace.secrets_file, {"provision_secrets": dict(sorted(values.items()))})
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    dates = {name: now for name, value in values.items() if known.get(name) != value}
    kept = {name: date for name, date in read_dates(workspace).items() if name in values}
    write_private(workspace.secret_dates_file, json.dumps({**kept, **dates}, indent=2, sort_keys=True) + "\n")


def read_dates(workspace: Workspace) -> dict[str, str]:
    """Since when (ISO 8601, UTC) each secret has its value; those of older vaults are not known."""
    try:
        return dict(json.loads(workspace.secret_dates_file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def seal(workspace: Workspace, path: Path, content: Mapping[str, Any]) -> None:
    """Write a document that only the client's vault password opens; the old one survives any failure."""
    if not workspace.vault_password_file.exists():
        write_private(workspace.vault_password_file, secrets.token_urlsafe(32) + "\n")
    write_private(path, _vault(workspace).encrypt(yaml.safe_dump(dict(content))))


def unseal(workspace: Workspace, path: Path) -> dict[str, Any]:
    """What `seal` wrote. Raises SetupError where the password is missing or wrong."""
    try:
        text = _vault(workspace).decrypt(path.read_bytes())
    except Exception as error:
        raise SetupError(
            "the client's vault cannot be opened",
            where=str(path),
            hint=f"restore {workspace.vault_password_file} from the backup; without it the secrets are lost",
        ) from error
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def make_secret(kind: str, known: Mapping[str, str]) -> str:
    """A new value of a kind; one that is derived is made from `known`."""
    match kind.partition(":"):
        case ("password", _, _):
            return secrets.token_urlsafe(18)
        case ("token", _, _):
            return secrets.token_urlsafe(32)
        case ("hex32", _, _):
            return secrets.token_hex(32)
        case ("ed25519", _, _):
            key = Ed25519PrivateKey.generate()
            return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        case ("bcrypt-of", _, name):
            return bcrypt.hashpw(known[name].encode(), bcrypt.gensalt(rounds=10)).decode()
    raise ValueError(f"unknown kind of secret: {kind}")


def _vault(workspace: Workspace) -> Any:
    # Imported here: Ansible takes a third of a second, and most verbs need no secret.
    from ansible.parsing.vault import VaultLib, VaultSecret

    password = workspace.vault_password_file.read_bytes().strip()
    return VaultLib([("default", VaultSecret(password))])

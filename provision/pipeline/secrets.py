"""`provision secrets show`: what a client's vault holds, without the values; one value where its name is given."""

from __future__ import annotations

from datetime import UTC, datetime

import yaml

from provision.errors import SetupError, UsageError
from provision.inventory import required_secrets
from provision.inventory.secret_rotation import LOST_WITH, find_users, is_given, why_kept
from provision.models.plan import Plan
from provision.models.secret import SecretFacts, VaultFacts
from provision.pipeline.options import Options, find_client, locate_workspace, open_chosen_workspace
from provision.pipeline.planning import make_plan, require_plan
from provision.pipeline.secrets_signing import NAME as SIGNING_KEY
from provision.pipeline.token import SECRET as PROXMOX_TOKEN
from provision.runner.lock import hold_lock
from provision.runner.rotation import read_rotation
from provision.runner.secrets import keep_secret, read_dates, read_secrets
from provision.runner.workspace import Workspace


def show_secrets(options: Options) -> VaultFacts:
    """Raises SetupError where nothing stands yet or the vault cannot be opened."""
    workspace = open_vault(options)
    plan, kinds = require_plan(workspace), known_kinds(require_plan(workspace))
    users, dates = _read_users(workspace, plan), read_dates(workspace)
    rotation = read_rotation(workspace)
    return VaultFacts(
        secrets=tuple(
            _describe(name, kinds.get(name, "kept"), users.get(name, set()), dates.get(name))
            for name in sorted(read_secrets(workspace))
        )
        + _describe_signing_key(workspace),
        unfinished=rotation.names if rotation else (),
    )


def reveal_secret(options: Options, name: str) -> str:
    """One value. Raises UsageError for a name that the vault does not have."""
    known = read_secrets(open_vault(options))
    if name not in known:
        raise UsageError(f"there is no secret '{name}'", where="secrets show", hint="provision secrets show lists them")
    return known[name]


def set_secret(options: Options, name: str, value: str) -> None:
    """Keep a value that somebody else made; up applies it. Raises UsageError for a name that the profile has not so."""
    client = find_client(options)
    given = [known for known, kind in required_secrets(make_plan(options).plan).items() if is_given(known, kind)]
    if name not in given:
        raise UsageError(
            f"'{name}' is no secret that somebody else makes",
            where="secrets set",
            hint=f"this profile's: {', '.join(given) or 'none'}; provision makes all others itself",
        )
    if not value or not value.isprintable():
        raise UsageError("the value is empty or of several lines", where="secrets set", hint="give it on one line")
    workspace = open_chosen_workspace(options, client)
    with hold_lock(workspace.lock_file):
        keep_secret(workspace, name, value)


def open_vault(options: Options) -> Workspace:
    """The client's workspace. Raises SetupError where it has no vault."""
    client = find_client(options)
    workspace = locate_workspace(options, client)
    if not workspace.secrets_file.exists():
        raise SetupError(
            f"client '{client}' has no secrets yet", where=str(workspace.secrets_file), hint="provision up makes them"
        )
    return workspace


def known_kinds(plan: Plan) -> dict[str, str]:
    """Kind by name of everything that provision made."""
    token = {PROXMOX_TOKEN: "proxmox-token"} if plan.proxmox else {}
    return {**required_secrets(plan), **token}


def refusal(name: str, kind: str) -> str | None:
    """Why a secret cannot be rotated by `rotate`, or None."""
    if name == PROXMOX_TOKEN:
        return "its node makes it: provision token --create makes it anew and keeps it"
    if kind == "kept":
        return "the plan that stands does not use it"
    return why_kept(name, kind)


def _describe(name: str, kind: str, users: set[str], date: str | None) -> SecretFacts:
    why = refusal(name, kind)
    since = datetime.fromisoformat(date) if date else None
    return SecretFacts(
        name=name,
        kind=kind,
        used_by=tuple(sorted(users)),
        since=since,
        age_days=(datetime.now(UTC) - since).days if since else None,
        rotation="no" if why else "loss" if name in LOST_WITH else "yes",
        why=why or LOST_WITH.get(name, ""),
    )


def _describe_signing_key(workspace: Workspace) -> tuple[SecretFacts, ...]:
    """It lies beside the vault, and its time is the file's."""
    if not workspace.signing_key.exists():
        return ()
    since = datetime.fromtimestamp(int(workspace.signing_key.stat().st_mtime), UTC)
    facts = _describe(SIGNING_KEY, "ed25519", {"receipts"}, since.isoformat())
    return (facts.model_copy(update={"why": "by itself; receipts of the former key stay good"}),)


def _read_users(workspace: Workspace, plan: Plan) -> dict[str, set[str]]:
    """From the inventory that the last run wrote: it has every place where a secret goes."""
    services = tuple(service.name for service in plan.services)
    found: dict[str, set[str]] = {PROXMOX_TOKEN: {"provision"}}
    for path in sorted((workspace.inventory / "host_vars").glob("*.yml")):
        for name, users in find_users(yaml.safe_load(path.read_text(encoding="utf-8")) or {}, services).items():
            found.setdefault(name, set()).update(users)
    return found

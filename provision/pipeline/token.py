"""The API token of a client: made by root on request, kept in the vault, and asked what it may do before it is used."""

from __future__ import annotations

import json
from pathlib import Path

from provision.errors import ErrorGroup, RunError, SetupError
from provision.models.node import NodeAccess
from provision.models.plan import Plan, ProxmoxPlan
from provision.pipeline.node_shell import run_on_node
from provision.pipeline.stages import StageClock
from provision.platforms.privileges import (
    MAKE_TOKEN,
    creation_commands,
    excess_privileges,
    missing_privileges,
    token_id,
)
from provision.platforms.proxmox import ProxmoxNode
from provision.runner.secrets import keep_secret, read_secrets
from provision.runner.workspace import Workspace

SECRET = "proxmox_token"  # noqa: S105 - the secret's name in the vault
_THERE_ALREADY = ("already exists", "already exist")


def commands_of(plan: Plan) -> tuple[tuple[str, ...], ...]:
    """The commands that make pool, roles, user and token, for root on the node."""
    where = require_proxmox(plan)
    return creation_commands(plan.client, where.storage, where.templates, where.zone)


def open_api(workspace: Workspace, plan: Plan, access: NodeAccess) -> ProxmoxNode:
    """The API with the client's token. Raises SetupError where the vault has none."""
    known = read_secrets(workspace) if workspace.secrets_file.exists() else {}
    if SECRET not in known:
        raise SetupError(
            f"there is no API token of client '{plan.client}' yet",
            where=f"vault {workspace.secrets_file}",
            hint="provision token --create makes it by ssh as root; without --create it shows the commands",
        )
    return ProxmoxNode(access.api_host, access.node, plan.client, known[SECRET], Path(access.ca_file))


def ensure_lab_token(workspace: Workspace, plan: Plan, access: NodeAccess, clock: StageClock) -> None:
    """The lab's token, made without being asked: by the same commands as on a live node."""
    known = read_secrets(workspace) if workspace.secrets_file.exists() else {}
    if known.get(SECRET):
        api = open_api(workspace, plan, access)
        # One that holds nothing at all was left by a run that was killed before it granted anything.
        if api.is_known() and api.permissions():
            return
    clock.note(f"making the API token {token_id(plan.client)} on the lab's node")
    create_token(workspace, plan, access)


def create_token(workspace: Workspace, plan: Plan, access: NodeAccess) -> None:
    """Make what is missing and keep the token's secret in the vault; a token that is there is made anew.

    Raises RunError with the node's words.
    """
    for command in commands_of(plan):
        if command[: len(MAKE_TOKEN)] == MAKE_TOKEN:
            # Kept at once: it is shown this one time, and a later step may fail.
            keep_secret(workspace, SECRET, _make_token(plan, access, command))
        else:
            _run_unless_there(access, command)


def require_privileges(api: ProxmoxNode, plan: Plan, clock: StageClock) -> None:
    """Raises ErrorGroup naming every privilege that the token lacks, and what it is needed for; tells those beyond."""
    where, held = require_proxmox(plan), api.permissions()
    for excess in excess_privileges(held, plan.client, where.storage, where.templates, where.zone):
        clock.note(f"the token may do more than it needs: {excess.name} on {excess.path} (docs/privileges.md)")
    missing = missing_privileges(held, plan.client, where.storage, where.templates, where.zone)
    if missing:
        raise ErrorGroup(
            [
                SetupError(
                    f"the token {token_id(plan.client)} lacks {item.name}, needed to {item.needed_for}",
                    where=f"path {item.path} of the node's permissions",
                    hint="provision token --create grants it; docs/privileges.md lists all",
                )
                for item in missing
            ]
        )


def require_proxmox(plan: Plan) -> ProxmoxPlan:
    """Raises SetupError for a plan of another platform."""
    if plan.proxmox is None:
        raise SetupError(
            f"profile '{plan.profile}' is not for Proxmox", where="platform.kind", hint="only a Proxmox node has tokens"
        )
    return plan.proxmox


def _make_token(plan: Plan, access: NodeAccess, command: tuple[str, ...]) -> str:
    """Its secret."""
    try:
        answer = run_on_node(access.login, command)
    except RunError as error:
        if not _is_there(error):
            raise
        user, name = token_id(plan.client).split("!")
        run_on_node(access.login, ("pveum", "user", "token", "remove", user, name))
        answer = run_on_node(access.login, command)
    return str(json.loads(answer)["value"])


def _run_unless_there(access: NodeAccess, command: tuple[str, ...]) -> None:
    try:
        run_on_node(access.login, command)
    except RunError as error:
        if not _is_there(error):
            raise


def _is_there(error: RunError) -> bool:
    return any(words in error.what for words in _THERE_ALREADY)

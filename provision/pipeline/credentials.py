"""The file that tells the administrator how to sign in; readable by its owner alone."""

from __future__ import annotations

from collections.abc import Mapping

from provision.models.plan import Plan
from provision.runner.workspace import Workspace, write_private

_PASSWORDS = {"chat": "open_webui_admin_password", "flows": "n8n_owner_password", "metrics": "grafana_admin_password"}
"""The secret with which the administrator signs in at each site."""


def write_credentials(workspace: Workspace, plan: Plan, secrets: Mapping[str, str]) -> None:
    """Write credentials.txt (0600) beside the vault, if it would differ."""
    lines = [f"Stack of {plan.client} ({plan.profile}, {plan.target})", ""]
    for site in plan.sites:
        secret = _PASSWORDS.get(site.name, "")
        lines += [f"{site.purpose}: {site.url}", f"  user      {plan.admin_email}"]
        lines += [f"  password  {secrets[secret]}", ""] if secret in secrets else [""]
    if plan.certificate.source == "own":
        lines += [f"Certificate authority to import in browsers: {workspace.ca_root}", ""]
    text = "\n".join(lines)
    if not workspace.credentials_file.exists() or workspace.credentials_file.read_text() != text:
        write_private(workspace.credentials_file, text)

"""The file that tells the administrator how to sign in; readable by its owner alone."""

from __future__ import annotations

from collections.abc import Mapping

from provision.inventory.secrets import decision_people, person_secret
from provision.models.plan import Plan, Site
from provision.runner.workspace import Workspace, write_private

_PASSWORDS = {"chat": "open_webui_admin_password", "flows": "n8n_owner_password", "metrics": "grafana_admin_password"}
"""The secret with which the administrator signs in at each site."""
_CHALLENGE = "challenge"
"""The site where people sign in whom the profile names, and anybody may contest a decision without."""


def write_credentials(workspace: Workspace, plan: Plan, secrets: Mapping[str, str]) -> None:
    """Write credentials.txt (0600) beside the vault, if it would differ."""
    lines = [f"Stack of {plan.client} ({plan.profile}, {plan.target})", ""]
    for site in plan.sites:
        if site.name == _CHALLENGE:
            lines += _list_people(site, plan, secrets)
            continue
        secret = _PASSWORDS.get(site.name, "")
        lines += [f"{site.purpose}: {site.url}", f"  user      {plan.admin_email}"]
        lines += [f"  password  {secrets[secret]}", ""] if secret in secrets else [""]
    if plan.certificate.source == "own":
        lines += [f"Certificate authority to import in browsers: {workspace.ca_root}", ""]
    text = "\n".join(lines)
    if not workspace.credentials_file.exists() or workspace.credentials_file.read_text() != text:
        write_private(workspace.credentials_file, text)


def _list_people(site: Site, plan: Plan, secrets: Mapping[str, str]) -> list[str]:
    roles = {"review": plan.routing.reviewers, "approve/RECORD": plan.routing.approvers}
    lines = [f"{site.purpose}: {site.url}"]
    for name in decision_people(plan):
        rights = " and ".join(f"{site.url}{role}" for role, names in roles.items() if name in names)
        lines += [f"  user      {name}   ({rights})", f"  password  {secrets[person_secret(name).name]}"]
    return [*lines, ""]

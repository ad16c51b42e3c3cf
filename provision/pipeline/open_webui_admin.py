"""The password of Open WebUI's administrator, which its environment sets at the first start only: changed by its API.

Paths and answers: `open_webui/routers/auths.py` of 0.12.4.
"""

from __future__ import annotations

import httpx

from provision.errors import RunError
from provision.models.plan import Plan
from provision.pipeline.certificate import trust_file
from provision.pipeline.verification import fetch_ca_root
from provision.runner.workspace import Workspace
from provision.verify.web_session import SIGN_IN
from provision.verify.web_steps import RATE_LIMITED, ask, ask_patiently, open_client

CHANGE = "/api/v1/auths/update/password"


def set_admin_password(workspace: Workspace, plan: Plan, wanted: str, other: str) -> None:
    """Let the administrator sign in with `wanted`, where it is `other` now; nothing happens where it is set.

    Raises RunError where the site does not answer or neither of them signs in.
    """
    site = next((site for site in plan.sites if site.name == "chat"), None)
    if site is None:
        raise RunError("no site leads to Open WebUI", where="plan", hint="place caddy on a machine, then provision up")
    fetch_ca_root(workspace, plan)
    try:
        client = open_client(site.url, trust_file(workspace, plan), site.address)
    except OSError as error:
        raise RunError(
            f"the CA's file cannot be read: {error}", where=str(workspace.ca_root), hint="provision verify fetches it"
        ) from error
    with client:
        if _sign_in(client, plan, wanted):
            return
        token = _sign_in(client, plan, other)
        if not token:
            raise RunError(
                "Open WebUI's administrator signs in with neither the old nor the new password",
                where=site.url,
                hint="if somebody changed it there: set it to what provision secrets show --reveal tells",
            )
        body = {"password": other, "new_password": wanted}
        step, _ = ask(client, CHANGE, body, {"Authorization": f"Bearer {token}"})
        client.cookies.clear()
        if step.status != 200 or not _sign_in(client, plan, wanted):
            raise RunError(
                f"Open WebUI did not take the new password: {step.detail or step.error or step.status}",
                where=site.url,
                hint="provision logs apps --lines 50 shows what it says",
            )


def _sign_in(client: httpx.Client, plan: Plan, password: str) -> str:
    """The session's token, empty where the password is refused."""
    step, account = ask_patiently(
        client, SIGN_IN, {"email": plan.admin_email, "password": password}, until=frozenset({RATE_LIMITED})
    )
    client.cookies.clear()
    if step.status is None:
        raise RunError(f"Open WebUI does not answer: {step.error}", where=str(client.base_url), hint="provision status")
    return str(account.get("token", "")) if step.status == 200 else ""

"""One sign-in to Open WebUI for all that is asked of it: it takes 15 per account in three minutes and no more."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from provision.models.base import Frozen
from provision.models.observation_web import WebStep
from provision.models.plan import Site
from provision.verify.web_steps import RATE_LIMITED, ask_patiently, describe, open_client

SIGN_IN = "/api/v1/auths/signin"


class Session(Frozen):
    """The administrator's sign-in, and the token that it gave; empty where it failed."""

    step: WebStep
    role: str = ""
    token: SecretStr = SecretStr("")

    @property
    def header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token.get_secret_value()}"}


def open_session(site: Site, ca_file: Path | None, email: str, password: str) -> Session:
    """Sign in; where too many did so lately, wait for the next slot."""
    try:
        client = open_client(site.url, ca_file, site.address)
    except OSError as error:
        return Session(step=WebStep(error=f"the CA's file cannot be read: {describe(error)}"))
    with client:
        body = {"email": email, "password": password}
        step, account = ask_patiently(client, SIGN_IN, body, until=frozenset({RATE_LIMITED}))
    return Session(step=step, role=str(account.get("role", "")), token=SecretStr(str(account.get("token", ""))))

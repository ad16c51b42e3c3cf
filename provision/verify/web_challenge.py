"""The pages where people contest, review and approve, as they meet them through the gateway."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from provision.models.observation_web import ChallengeObservation, ClosedPath, WebStep
from provision.models.plan import Site
from provision.verify.web_steps import describe, open_client

FORM = "/challenge"
REVIEW = "/review"
APPROVE = "/approve/nothing-waits-here"
CLOSED = ("/v1/models", "/v1/chat/completions", "/v1/responses/x", "/metrics", "/health")
"""Of the decision layer too, each answered by it with another status than 404."""
_NOT_THE_PASSWORD = "not-the-password"  # noqa: S105


def observe_challenge(site: Site, ca_file: Path | None, reviewer: str, password: str) -> ChallengeObservation:
    """`reviewer` empty: there is none. Nothing is filed and nothing is decided."""
    try:
        client = open_client(site.url, ca_file, site.address)
    except OSError as error:
        step = WebStep(error=f"the CA's file cannot be read: {describe(error)}")
        return ChallengeObservation(form=step, review=step, approve=step, wrong_password=step)
    with client:
        return ChallengeObservation(
            form=_get(client, FORM),
            review=_get(client, REVIEW),
            approve=_get(client, APPROVE),
            wrong_password=_get(client, REVIEW, (reviewer or "nobody", _NOT_THE_PASSWORD)),
            reviewer=_get(client, REVIEW, (reviewer, password)) if reviewer else None,
            closed=tuple(ClosedPath(path=path, step=_get(client, path)) for path in CLOSED),
        )


def _get(client: httpx.Client, path: str, account: tuple[str, str] | None = None) -> WebStep:
    started = time.monotonic()
    try:
        response = client.get(path, auth=account if account else httpx.USE_CLIENT_DEFAULT)
    except (httpx.HTTPError, OSError) as error:
        return WebStep(error=describe(error), seconds=round(time.monotonic() - started, 3))
    return WebStep(status=response.status_code, seconds=round(time.monotonic() - started, 3))

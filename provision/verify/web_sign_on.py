"""A site before which a single sign-on stands, as somebody meets it who has not signed in."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from provision.models.observation_web import GuardObservation, WebStep
from provision.models.plan import Site
from provision.verify.web_steps import describe, open_client


def observe_guard(site: Site, ca_file: Path | None) -> GuardObservation:
    """The first page and the health path, where there is one, both without a session."""
    try:
        client = open_client(site.url, ca_file, site.address)
    except OSError as error:
        step = WebStep(error=f"the CA's file cannot be read: {describe(error)}")
        return GuardObservation(site=site.name, page=step, health=step)
    with client:
        health = next(iter(site.paths.health), None)
        return GuardObservation(
            site=site.name, page=_get(client, "/"), health=_get(client, health) if health is not None else None
        )


def _get(client: httpx.Client, path: str) -> WebStep:
    started = time.monotonic()
    try:
        response = client.get(path)
    except (httpx.HTTPError, OSError) as error:
        return WebStep(error=describe(error), seconds=round(time.monotonic() - started, 3))
    return WebStep(status=response.status_code, seconds=round(time.monotonic() - started, 3))

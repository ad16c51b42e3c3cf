"""Grafana as its administrator meets it: sign in, read each planned dashboard, ask each of its panels' queries.

Paths and answers: public/api-merged.json of grafana/grafana. Nothing is written.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from provision.models.monitoring import DATA_SOURCE
from provision.models.observation_web import DashboardsObservation, PanelQuery, WebStep
from provision.models.plan import Site
from provision.verify.web_steps import NOBODY, ask, describe, open_client

LOGIN = "/login"
HEALTH = "/api/health"
SEARCH = "/api/search?type=dash-db"
DASHBOARD = "/api/dashboards/uid/{}"
QUERY = f"/api/datasources/proxy/uid/{DATA_SOURCE}/api/v1/query"
PATIENCE_S = 40.0
"""A stack that was brought up this moment has been read once or not at all: Prometheus reads every 15 s."""
_RETRY_S = 4.0


def observe_dashboards(
    site: Site, ca_file: Path | None, email: str, password: str, wanted: tuple[str, ...]
) -> DashboardsObservation:
    """`wanted`: uids of the dashboards whose queries are asked."""
    try:
        client = open_client(site.url, ca_file, site.address)
    except OSError as error:
        step = WebStep(error=f"the CA's file cannot be read: {describe(error)}")
        return DashboardsObservation(health=step, anonymous=step, wrong_password=step, sign_in=step, search=step)
    with client:
        health, about = _read(client, HEALTH)
        anonymous, _ = _read(client, SEARCH)
        wrong, _ = ask(client, LOGIN, {"user": NOBODY, "password": secrets.token_urlsafe(12)})
        client.cookies.clear()
        sign_in, _ = ask(client, LOGIN, {"user": email, "password": password})
        search, found = _read(client, SEARCH)
        names = tuple(str(item.get("uid")) for item in found) if isinstance(found, list) else ()
        queries = _ask_until_each_has_data(client, tuple(name for name in wanted if name in names))
    return DashboardsObservation(
        health=health,
        version=str(about.get("version", "")) if isinstance(about, dict) else "",
        anonymous=anonymous,
        wrong_password=wrong,
        sign_in=sign_in,
        search=search,
        found=names,
        queries=queries,
    )


def _ask_until_each_has_data(client: httpx.Client, names: tuple[str, ...]) -> tuple[PanelQuery, ...]:
    end = time.monotonic() + PATIENCE_S
    while True:
        queries = tuple(query for name in names for query in _ask_panels(client, name))
        empty = set(names) - {query.dashboard for query in queries if query.series}
        if not empty or time.monotonic() >= end:
            return queries
        time.sleep(_RETRY_S)


def _ask_panels(client: httpx.Client, name: str) -> Iterator[PanelQuery]:
    """Each query of a dashboard once, at this moment; one without answer where the dashboard cannot be read."""
    step, document = _read(client, DASHBOARD.format(name))
    panels = document.get("dashboard", {}).get("panels", ()) if isinstance(document, dict) else ()
    texts = dict.fromkeys(str(target.get("expr")) for panel in panels for target in panel.get("targets", ()))
    if not texts:
        yield PanelQuery(dashboard=name, error=step.error or step.detail or f"HTTP {step.status}, no panels")
    for text in texts:
        step, answer = _read(client, QUERY, {"query": text})
        if step.status == 200 and isinstance(answer, dict) and answer.get("status") == "success":
            yield PanelQuery(dashboard=name, query=text, series=len(answer.get("data", {}).get("result", ())))
        else:
            yield PanelQuery(dashboard=name, query=text, error=step.error or step.detail or f"HTTP {step.status}")


def _read(client: httpx.Client, path: str, params: dict[str, str] | None = None) -> tuple[WebStep, Any]:
    """GET; the step, and the answer's JSON (None where there is none)."""
    started = time.monotonic()
    try:
        response = client.get(path, params=params)
    except (httpx.HTTPError, OSError) as error:
        return WebStep(error=describe(error), seconds=round(time.monotonic() - started, 3)), None
    try:
        document = response.json()
    except ValueError:
        document = None
    said = document if isinstance(document, dict) else {}
    detail = "" if response.is_success else str(said.get("error") or said.get("message") or "")[:160]
    seconds = round(time.monotonic() - started, 3)
    return WebStep(status=response.status_code, detail=detail, seconds=seconds), document

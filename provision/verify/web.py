"""Ask the stack from outside, as a person would: through the gateway, with full TLS verification.

The calls are those of Open WebUI 0.12.4 and n8n 2.41.1. A failure is an observation with its error text, never an
exception. All four parts run at the same time; each request has a timeout.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import SecretStr

from provision.models.base import Frozen
from provision.models.observation_web import ChatObservation, WebObservation, WorkflowObservation
from provision.models.plan import Plan, Site
from provision.verify.ports import scan_ports
from provision.verify.web_chat import observe_chat
from provision.verify.web_tls import observe_tls
from provision.verify.web_workflow import observe_workflow


class Credentials(Frozen):
    """What the probes sign in with. Secret types: a repr or a traceback does not show them."""

    chat_email: str
    chat_password: SecretStr
    flows_email: str
    flows_password: SecretStr
    webhook_key: SecretStr


def observe_web(plan: Plan, credentials: Credentials, ca_file: Path) -> WebObservation:
    """Everything that answers from outside. `ca_file` holds the root of the stack's own CA (PEM)."""
    started = time.monotonic()
    sites = {site.name: site for site in plan.sites}
    chat, flows = sites.get("chat"), sites.get("flows")
    with ThreadPoolExecutor(max_workers=4) as pool:
        ports = pool.submit(scan_ports, plan)
        tls = [pool.submit(observe_tls, site, ca_file) for site in plan.sites]
        chatting = pool.submit(_chat, chat, ca_file, credentials, plan) if chat else None
        flowing = pool.submit(_flow, flows, ca_file, credentials) if flows else None
        return WebObservation(
            tls=tuple(item.result() for item in tls),
            chat=chatting.result() if chatting else None,
            workflow=flowing.result() if flowing else None,
            ports=ports.result(),
            seconds=round(time.monotonic() - started, 3),
        )


def _chat(site: Site, ca_file: Path, credentials: Credentials, plan: Plan) -> ChatObservation:
    password = credentials.chat_password.get_secret_value()
    return observe_chat(site.url, ca_file, credentials.chat_email, password, plan.text_engines)


def _flow(site: Site, ca_file: Path, credentials: Credentials) -> WorkflowObservation:
    password = credentials.flows_password.get_secret_value()
    key = credentials.webhook_key.get_secret_value()
    return observe_workflow(site.url, ca_file, credentials.flows_email, password, key)

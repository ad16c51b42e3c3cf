"""Ask the stack from outside, as a person would: through the gateway, with full TLS verification.

The calls are those of Open WebUI 0.12.4 and n8n 2.41.1. A failure is an observation with its error text, never an
exception. All parts run at the same time; each request has a timeout.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from pydantic import SecretStr

from provision.models.base import Frozen
from provision.models.monitoring import list_dashboards
from provision.models.observation_decision import DecisionObservation
from provision.models.observation_web import (
    ChallengeObservation,
    ChatObservation,
    DashboardsObservation,
    DocumentObservation,
    TracingObservation,
    WebObservation,
    WorkflowObservation,
)
from provision.models.plan import Plan, Site
from provision.verify.ports import scan_ports
from provision.verify.web_challenge import observe_challenge
from provision.verify.web_chat import observe_chat
from provision.verify.web_dashboards import observe_dashboards
from provision.verify.web_document import ReadStore, observe_document
from provision.verify.web_session import Session, open_session
from provision.verify.web_sign_on import observe_guard
from provision.verify.web_tls import observe_tls
from provision.verify.web_traces import observe_tracing
from provision.verify.web_workflow import observe_workflow


class Credentials(Frozen):
    """What the probes sign in with. Secret types: a repr or a traceback does not show them."""

    chat_email: str
    chat_password: SecretStr
    flows_email: str
    flows_password: SecretStr
    webhook_key: SecretStr
    metrics_login: str
    metrics_password: SecretStr
    trace_public_key: SecretStr = SecretStr("")
    trace_secret_key: SecretStr = SecretStr("")
    reviewer: str = ""
    """Who may review decisions, the first of the profile; empty: nobody."""
    reviewer_password: SecretStr = SecretStr("")


def observe_web(
    plan: Plan,
    credentials: Credentials,
    ca_file: Path | None,
    read_store: ReadStore | None = None,
    ask_decisions: Callable[[], DecisionObservation] | None = None,
) -> WebObservation:
    """What answers from outside. `ca_file` holds the root that vouches for the sites (PEM), None: public CAs.

    `read_store` asks the vector store on its machine, `ask_decisions` the decision layer; None where there is none.
    """
    started = time.monotonic()
    sites = {site.name: site for site in plan.sites}
    # Behind a single sign-on nobody is let through who has no session there, and these have none.
    chat, flows, metrics, traces, contest = (
        None if plan.sign_on else sites.get(name) for name in ("chat", "flows", "metrics", "traces", "challenge")
    )
    with ThreadPoolExecutor(max_workers=10) as pool:
        session = pool.submit(_sign_in, chat, ca_file, credentials) if chat else None
        ports = pool.submit(scan_ports, plan)
        tls = [pool.submit(observe_tls, site, ca_file) for site in plan.sites]
        guards = [pool.submit(observe_guard, site, ca_file) for site in plan.sites if plan.sign_on]
        chatting = pool.submit(_chat, chat, ca_file, session, plan) if chat and session else None
        flowing = pool.submit(_flow, flows, ca_file, credentials) if flows else None
        showing = pool.submit(_dashboards, metrics, ca_file, credentials, plan) if metrics else None
        reading = (
            pool.submit(_document, chat, ca_file, session, plan, read_store)
            if chat and session and read_store
            else None
        )
        deciding = pool.submit(ask_decisions) if ask_decisions else None
        tracing = pool.submit(_trace, traces, ca_file, credentials, deciding) if traces else None
        contesting = pool.submit(_challenge, contest, ca_file, credentials) if contest else None
        return WebObservation(
            tls=tuple(item.result() for item in tls),
            chat=chatting.result() if chatting else None,
            workflow=flowing.result() if flowing else None,
            document=reading.result() if reading else None,
            dashboards=showing.result() if showing else None,
            sign_on=tuple(item.result() for item in guards),
            tracing=tracing.result() if tracing else None,
            challenge=contesting.result() if contesting else None,
            decision=deciding.result() if deciding else None,
            ports=ports.result(),
            seconds=round(time.monotonic() - started, 3),
        )


def _sign_in(site: Site, ca_file: Path | None, credentials: Credentials) -> Session:
    return open_session(site, ca_file, credentials.chat_email, credentials.chat_password.get_secret_value())


def _chat(site: Site, ca_file: Path | None, session: Future[Session], plan: Plan) -> ChatObservation:
    return observe_chat(site, ca_file, session.result(), plan.text_engines)


def _flow(site: Site, ca_file: Path | None, credentials: Credentials) -> WorkflowObservation:
    password = credentials.flows_password.get_secret_value()
    key = credentials.webhook_key.get_secret_value()
    return observe_workflow(site, ca_file, credentials.flows_email, password, key)


def _dashboards(site: Site, ca_file: Path | None, credentials: Credentials, plan: Plan) -> DashboardsObservation:
    password = credentials.metrics_password.get_secret_value()
    return observe_dashboards(site, ca_file, credentials.metrics_login, password, list_dashboards(plan))


def _trace(
    site: Site, ca_file: Path | None, credentials: Credentials, deciding: Future[DecisionObservation] | None
) -> TracingObservation:
    public, secret = credentials.trace_public_key.get_secret_value(), credentials.trace_secret_key.get_secret_value()
    record = deciding.result().plain.record if deciding else ""
    return observe_tracing(site.url, ca_file, public, secret, site.address, record)


def _challenge(site: Site, ca_file: Path | None, credentials: Credentials) -> ChallengeObservation:
    password = credentials.reviewer_password.get_secret_value()
    return observe_challenge(site, ca_file, credentials.reviewer, password)


def _document(
    site: Site, ca_file: Path | None, session: Future[Session], plan: Plan, read_store: ReadStore
) -> DocumentObservation:
    return observe_document(site, ca_file, session.result(), plan.text_engines[0].served_name, read_store)

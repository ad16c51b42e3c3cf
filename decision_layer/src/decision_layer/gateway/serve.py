"""The process: uvicorn with one worker (the audit chain has one writer), SIGHUP reloads the policy."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import logging
import platform
import signal
import sys
from importlib.metadata import version
from typing import Any

import uvicorn

from decision_layer.audit.interrupted import close_interrupted
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.reader import LogReader
from decision_layer.challenge.approvals import Approvals
from decision_layer.challenge.cases import Case, Cases
from decision_layer.challenge.pages import Pages
from decision_layer.challenge.replay import Replay, replay
from decision_layer.detect import prepared
from decision_layer.errors import DecisionLayerError
from decision_layer.gateway.alarm import beat
from decision_layer.gateway.answers import Receive, Send
from decision_layer.gateway.app import Gateway
from decision_layer.gateway.callers import Credentials
from decision_layer.gateway.conversations import Conversations
from decision_layer.gateway.deciding import Keeping, Place
from decision_layer.gateway.langfuse import make_sender
from decision_layer.gateway.metrics import Metrics
from decision_layer.gateway.opening import open_trail
from decision_layer.gateway.policies import load_current, remember
from decision_layer.gateway.pool import Pool
from decision_layer.gateway.scanner import Scanner
from decision_layer.gateway.second_stage import SecondStage
from decision_layer.gateway.settings import Settings, audit_backend

log = logging.getLogger(__name__)
_SWITCH_S = 0.001
"""The audit's writer comes back from the disk and needs the interpreter: at most so long, not Python's 5 ms."""
_GRACE_S = 20
"""Answers under way may end; then they are cut."""


class Application:
    """ASGI with its lifespan: everything is opened before the first request, or the process ends with an error."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._gateway: Gateway | None = None
        self._scanner = Scanner()
        self.failure: DecisionLayerError | None = None
        """Why it did not start."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and self._gateway is not None:
            await self._gateway(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            gateway = await self._open()
            sender = make_sender(self._settings)
        except DecisionLayerError as error:
            self.failure = error
            self._scanner.close()
            await send({"type": "lifespan.startup.failed", "message": error.what})
            return
        self._gateway = gateway
        # The vocabularies are hundreds of thousands of objects that stay: no collection looks at them again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        beat()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
        if sender is not None:
            sender.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        faulthandler.cancel_dump_traceback_later()
        if sender is not None:
            await sender.stop()
        gateway.pool.close()
        self._scanner.close()
        await gateway.store.close()
        gateway.keeping.conversations.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self) -> Gateway:
        settings = self._settings
        loaded = load_current(settings)
        await self._scanner.start()  # it reads its vocabularies while this process does
        credentials = Credentials(settings.credentials, loaded)
        keys = AuditKeys.read(settings.credentials / settings.audit_key)
        store = await open_trail(settings, keys)
        remember(settings, loaded)
        store.set_policy(loaded.sha256)
        prepared()
        reader = LogReader(audit_backend(settings))
        await close_interrupted(reader, store, platform.node())
        pool = Pool()
        keeping = Keeping(
            store,
            keys,
            Conversations(settings.state / "conversations.sqlite"),
            Place(host=platform.node(), version=version("decision-layer")),
            Approvals(reader, store, keys, lambda: gateway.credentials),
            SecondStage(pool, lambda: gateway.credentials),
            self._scanner,
        )
        gateway = Gateway(loaded, credentials, pool, keeping)
        cases = Cases(reader, store, keys)

        def make_replay(case: Case) -> Replay:
            found = cases.decision(case.record_id)
            if found is None:
                return Replay(result="not_possible", why="the record is not there")
            return replay(found, reader, keys, settings)

        gateway.metrics = Metrics(settings, gateway.counts, gateway.turnstile, self._scanner, store, cases)
        await self._scanner.ready.wait()
        gateway.pages = Pages(cases, keeping.approvals, make_replay, lambda: gateway.credentials).application
        return gateway

    def _reload(self) -> None:
        gateway = self._gateway
        if gateway is None:
            return
        try:
            loaded = load_current(self._settings)
            credentials = Credentials(self._settings.credentials, loaded)
            remember(self._settings, loaded)
        except DecisionLayerError as error:
            log.error("the policy is not changed: %s (%s). %s", error.what, error.where, error.hint)
            return
        gateway.change_policy(loaded, credentials)
        log.warning(
            "policy %s version %d is in use, sha256 %s", loaded.policy.name, loaded.policy.version, loaded.sha256
        )


def serve(settings: Settings) -> None:
    """Until SIGTERM. Raises DecisionLayerError where it cannot start."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    sys.setswitchinterval(_SWITCH_S)
    application = Application(settings)
    config = uvicorn.Config(
        application,
        host=settings.address,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=4096,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACE_S,
    )
    uvicorn.Server(config).run()
    if application.failure is not None:
        raise application.failure

"""The ASGI application: the paths that there are, and for each request its way from key to answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from decision_layer.audit.errors import AuditError
from decision_layer.audit.record import Hop, Outcome, Result, utc_now
from decision_layer.gateway.answers import JSON, Receive, Refused, Send, send_refusal, send_whole
from decision_layer.gateway.budgets import Budgets
from decision_layer.gateway.callers import Credentials
from decision_layer.gateway.counts import Counts
from decision_layer.gateway.deciding import Decided, Keeping, decide_and_record
from decision_layer.gateway.facts import combine
from decision_layer.gateway.paths import ENDPOINTS, HEALTH, KEPT_ANSWERS, METRICS, MODELS, PAGES
from decision_layer.gateway.pool import Pool
from decision_layer.gateway.relay import Relay
from decision_layer.gateway.turnstile import Turnstile
from decision_layer.gateway.upstream import NoAnswerError, Opened, open_first, succeeded
from decision_layer.gateway.usage import wants_usage
from decision_layer.gateway.watch import Watch
from decision_layer.policy.load import LoadedPolicy
from decision_layer.policy.shape import AUTO, Client

log = logging.getLogger(__name__)
_NOT_KEPT = "no answer is kept here, so none can be fetched, deleted or listed: send the conversation in `input`"
Scope = MutableMapping[str, Any]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class Gateway:
    """Decisions by `scope["path"]` alone: a Host header or a full URL in the request line changes nothing."""

    def __init__(self, loaded: LoadedPolicy, credentials: Credentials, pool: Pool, keeping: Keeping) -> None:
        self.loaded, self.credentials = loaded, credentials
        self.pool, self.keeping, self.store = pool, keeping, keeping.store
        self.turnstile, self.budgets = Turnstile(), Budgets()
        self.counts = Counts()
        self.pages: ASGIApp = _nothing_there
        self.metrics: ASGIApp = _nothing_there

    def change_policy(self, loaded: LoadedPolicy, credentials: Credentials) -> None:
        """At once, for every request from now on; those under way are checked by both before each hop."""
        self.loaded, self.credentials = loaded, credentials
        self.store.set_policy(loaded.sha256)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        endpoint = ENDPOINTS.get(path, "")
        try:
            if method == "GET" and path == HEALTH:
                await self._tell_health(send)
                return
            if method == "GET" and path == METRICS:
                await self.metrics(scope, receive, send)
                return
            if path.startswith(PAGES):
                await self.pages(scope, receive, send)
                return
            headers = combine(scope["headers"])
            client = self.credentials.find_client(headers)
            if method == "GET" and path == MODELS:
                await send_whole(send, 200, orjson.dumps(list_models(self.loaded, client)), [JSON])
            elif method == "POST" and endpoint:
                await self._answer(endpoint, client, headers, receive, send)
            elif path.startswith(KEPT_ANSWERS):
                raise Refused(404, "not_kept", _NOT_KEPT)
            else:
                raise Refused(404, "unknown_path", f"there is no {method} {path} here")
        except Refused as refused:
            self.counts.note_refusal(refused.code)
            await send_refusal(send, endpoint, refused)

    async def _tell_health(self, send: Send) -> None:
        health = self.store.health()
        good = not health.checkpoint_error
        body = {"status": "ok" if good else "degraded", "entries": health.entries, "policy": self.loaded.sha256}
        await send_whole(send, 200 if good else 503, orjson.dumps(body), [JSON])

    async def _answer(
        self, endpoint: str, client: Client, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        begin = time.monotonic()
        entered, turn = client, self.turnstile.enter(client)
        try:
            raw = await read_body(receive, self.loaded.policy.limits.body_bytes)
            body = parse_body(raw)
            if turn is not None:
                await turn.wait(receive)
                client = self.credentials.find_client(headers)  # another policy may be in use by now
            loaded = self.loaded
            decided = await decide_and_record(
                loaded,
                client,
                endpoint,
                headers,
                raw,
                body,
                self.budgets.spent(loaded),
                self.keeping,
            )
            self.counts.note_decision(decided)
            await self._carry_out(decided, body, receive, send, begin)
        finally:
            self.turnstile.leave(entered, turn)

    async def _carry_out(
        self, decided: Decided, body: dict[str, Any], receive: Receive, send: Send, begin: float
    ) -> None:
        endpoint = decided.facts.endpoint
        refusal = decided.decision.refusal
        if refusal:
            code = "approval_needed" if decided.held else "refused_by_policy"
            if decided.held:
                refusal += f"; a second person answers at /approve/{decided.record_id}"
            await send_refusal(send, endpoint, Refused(403, code, refusal), decided.headers)
            await self._close(decided, begin, "refused", 403)
            return
        relay: Relay | None = None
        hops: tuple[Hop, ...] = ()
        result: Result = "cancelled"
        try:
            with Watch(receive):
                opened, hops = await self._open(decided, body, begin)
                place = [(b"x-model", opened.model.name.encode()), (b"x-zone", opened.model.zone.encode())]
                relay = Relay(opened, endpoint, [*decided.headers, *place], usage=wants_usage(body))
                await relay.run(send)
                result = "upstream_error" if relay.broke else "completed"
        except NoAnswerError as error:
            result, hops = "upstream_error", error.hops
            self.counts.note_refusal("no_answer")
            await send_refusal(send, endpoint, Refused(502, "no_answer", str(error)), decided.headers)
        finally:
            if relay is None:
                await self._close(decided, begin, result, 502 if hops else 0, hops=hops)
            else:
                model = relay.opened.model
                self.counts.note_answer(model, result, relay.opened.answer.status, fallback=bool(hops))
                self.budgets.add(decided.loaded, decided.decision.budget, model, relay.tokens)
                hops = (*hops, succeeded(relay.opened, begin))
                await self._close(decided, begin, result, relay.opened.answer.status, hops=hops, relay=relay)

    def _in_use(self) -> tuple[LoadedPolicy, Credentials]:
        return self.loaded, self.credentials

    async def _open(self, decided: Decided, body: dict[str, Any], begin: float) -> tuple[Opened, tuple[Hop, ...]]:
        """Raises NoAnswerError."""
        self.counts.waiting += 1
        try:
            opened, hops = await open_first(self.pool, self._in_use, decided, body, begin)
        except NoAnswerError as error:
            self.counts.note_failures(error.hops)
            raise
        finally:
            self.counts.waiting -= 1
        self.counts.note_failures(hops)
        return opened, hops

    async def _close(
        self,
        decided: Decided,
        begin: float,
        result: Result,
        status: int,
        *,
        hops: tuple[Hop, ...] = (),
        relay: Relay | None = None,
    ) -> None:
        """What became of the decision. It is on record already, so a failure here harms no promise; it is logged."""
        tokens = relay.tokens if relay else (0, 0)
        first = relay.first_byte if relay else None
        outcome = Outcome(
            record_id=decided.record_id,
            finished_at=utc_now(),
            result=result,
            status=status,
            model=relay.opened.model.name if relay else "",
            output_sha256=relay.digest.hexdigest() if relay and relay.sent else "",
            output_bytes=relay.sent if relay else 0,
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            first_byte_us=round((first - begin) * 1e6) if first else 0,
            latency_us=round((time.monotonic() - begin) * 1e6),
            hops=hops,
            error=relay.broke if relay else "",
        )
        try:
            await self.store.append(outcome)
        except AuditError as error:
            log.error("the outcome of %s is not recorded: %s", decided.record_id, error.what)


async def _nothing_there(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    raise Refused(404, "unknown_path", "there is nothing here")


async def read_body(receive: Receive, limit: int) -> bytes:
    """Raises Refused (413) as soon as it is too long."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "incomplete", "the request broke off")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise Refused(413, "too_large", f"at most {limit} bytes are taken")
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def parse_body(raw: bytes) -> dict[str, Any]:
    """What is parsed here is what is judged and what is sent on: no second reading by another parser."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Refused(400, "invalid_json", "the body is not JSON in UTF-8") from None
    if not isinstance(body, dict):
        raise Refused(400, "invalid_json", "the body must be a JSON object")
    return body


def list_models(loaded: LoadedPolicy, client: Client) -> dict[str, Any]:
    """`auto`, and the models that this client may name, each with its zone in its title."""
    data = [{"id": AUTO, "object": "model", "created": 0, "owned_by": "decision-layer", "name": "Auto (by the policy)"}]
    for model in loaded.policy.models:
        if not client.models or model.name in client.models:
            title = f"{model.title} ({loaded.zones[model.zone].title})"
            data.append({"id": model.name, "object": "model", "created": 0, "owned_by": model.provider, "name": title})
    return {"object": "list", "data": data}

"""The way to each target: its key, its CA, and whether it answers at all. Asked before the first prompt leaves."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from provision.errors import ErrorGroup, ProvisionError, SetupError, UnreachableError, UsageError
from provision.models.pilot import Target

PROBE_TIMEOUT_S = 20.0
DECISION_LAYER = "decision-layer"
"""`owned_by` of the model `auto` in the decision layer's list of models."""


class Way(NamedTuple):
    """A target with its key, and a socket of this machine that leads to it where it cannot be reached by itself."""

    target: Target
    key: str = ""
    socket: Path | None = None


def find_ways(targets: Sequence[Target], environment: Mapping[str, str]) -> tuple[Way, ...]:
    """Raises ErrorGroup of SetupError with every key that is not there."""
    problems: list[ProvisionError] = []
    ways = tuple(Way(target, _find_key(target, environment, problems)) for target in targets)
    if problems:
        raise ErrorGroup(problems)
    return ways


@asynccontextmanager
async def open_ways(ways: Sequence[Way]) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """A client per target. Raises ErrorGroup naming every target that does not answer, or lacks its model."""
    async with AsyncExitStack() as stack:
        clients = {way.target.name: await stack.enter_async_context(_open(way)) for way in ways}
        found = await asyncio.gather(*(_probe(clients[way.target.name], way.target) for way in ways))
        problems = [problem for problem in found if problem]
        if problems:
            raise ErrorGroup(problems)
        yield clients


def _open(way: Way) -> httpx.AsyncClient:
    target = way.target
    at_home = target.zone == "home" or target.gateway
    return httpx.AsyncClient(
        base_url=target.base_url.rstrip("/") + "/",
        headers={"Authorization": f"Bearer {way.key}"} if way.key else {},
        timeout=httpx.Timeout(target.timeout_s, connect=min(PROBE_TIMEOUT_S, target.timeout_s)),
        transport=httpx.AsyncHTTPTransport(uds=str(way.socket)) if way.socket else None,
        # What stays at home goes through nobody's proxy.
        trust_env=not at_home,
        verify=_trust(target.ca_file),
    )


@cache
def _trust(ca_file: str | None) -> ssl.SSLContext:
    """Reading all certificate authorities takes a while; once per run is enough."""
    return ssl.create_default_context(cafile=ca_file)


async def _probe(client: httpx.AsyncClient, target: Target) -> ProvisionError | None:
    where = f"target '{target.name}', {target.base_url}"
    try:
        response = await client.get("models", timeout=PROBE_TIMEOUT_S)
        document: Any = response.json() if response.status_code == httpx.codes.OK else None
        models = [] if document is None else [dict(item) for item in document["data"]]
    except (httpx.HTTPError, OSError) as error:
        told = f"{type(error).__name__}: {error}".rstrip(": ")
        return UnreachableError(
            f"'{target.name}' does not answer ({told})", where=where, hint="check base_url: GET /models is asked there"
        )
    except (ValueError, KeyError, TypeError):
        return UnreachableError(
            f"'{target.name}' does not speak the OpenAI API", where=where, hint="base_url usually ends in /v1"
        )
    if response.status_code != httpx.codes.OK:
        hint = "check its key (key_env, key_file)" if response.status_code in (401, 403) else "check base_url"
        return UnreachableError(
            f"'{target.name}' answers {response.status_code} to GET /models", where=where, hint=hint
        )
    names = [str(model.get("id")) for model in models]
    if target.gateway and DECISION_LAYER not in {model.get("owned_by") for model in models}:
        hint = "point base_url at the decision layer, or leave `gateway` out"
        return UsageError(f"'{target.name}' says gateway: true, and no decision layer answers", where=where, hint=hint)
    if target.model not in names:
        known = ", ".join(names[:12]) or "none"
        return UsageError(f"'{target.name}' has no model '{target.model}'", where=where, hint=f"it has: {known}")
    return None


def _find_key(target: Target, environment: Mapping[str, str], problems: list[ProvisionError]) -> str:
    where = f"target '{target.name}'"
    if target.key_env:
        key = environment.get(target.key_env, "").strip()
        if not key:
            hint = f"export {target.key_env}=..., in a shell whose history is not kept"
            problems.append(SetupError(f"the variable {target.key_env} is not set", where=where, hint=hint))
        return key
    if target.key_file:
        try:
            return Path(target.key_file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            told = getattr(error, "strerror", None) or str(error)
            hint = "one line with the key, readable by you alone"
            problems.append(SetupError(f"{target.key_file} cannot be read: {told}", where=where, hint=hint))
    return ""

"""One question to one target, with its data class; every outcome is an answer, never an exception."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

import httpx

from provision.models.pilot import Target, TestSet, UseCase
from provision.models.pilot_result import Answer
from provision.pilot.sending import left_home, refuse_sending
from provision.pilot.streaming import Streamed, tell_error


class Asked(NamedTuple):
    """Which question of which use case, for which time; counted from 0."""

    case: UseCase
    question: int
    repeat: int


async def ask(client: httpx.AsyncClient, tests: TestSet, target: Target, asked: Asked) -> Answer:
    """Send it, unless its class stays home. A refusal (403 of the decision layer) is a result like any other."""
    case = asked.case
    blank = Answer(
        target=target.name,
        case=case.name,
        question=asked.question,
        repeat=asked.repeat,
        data_class=case.data_class,
        fate="failed",
    )
    if why := refuse_sending(tests, target, case.data_class):
        return blank.model_copy(update={"fate": "refused", "reason": why, "refused_by": "provision"})
    system = [{"role": "system", "content": case.system}] if case.system else []
    user = {"role": "user", "content": case.questions[asked.question].ask}
    body = {"messages": [*system, user], "max_tokens": case.max_tokens, "temperature": tests.temperature}
    return await send(client, tests, target, blank, body, headers_of(case))


def headers_of(case: UseCase) -> dict[str, str]:
    task = {"X-Task-Type": case.task} if case.task else {}
    return {"X-Data-Class": case.data_class, **task}


async def send(
    client: httpx.AsyncClient,
    tests: TestSet,
    target: Target,
    blank: Answer,
    body: dict[str, object],
    headers: dict[str, str],
) -> Answer:
    """The request and its outcome, as a copy of `blank`."""
    asked = {**body, "model": target.model, "stream": True, "stream_options": {"include_usage": True}}
    streamed, begin = Streamed(), time.monotonic()
    try:
        async with client.stream("POST", "chat/completions", json=asked, headers=headers) as response:
            known = blank.model_copy(update=_read_headers(response))
            if response.status_code != httpx.codes.OK:
                return _refused(known, target, response.status_code, await _read_error(response))
            await streamed.read(response)
    except (httpx.HTTPError, OSError) as error:
        told = f"no answer within {target.timeout_s:g} s" if isinstance(error, httpx.TimeoutException) else _tell(error)
        return blank.model_copy(update={"reason": told})
    return _finish(known, tests, target, streamed, begin, time.monotonic())


def _finish(known: Answer, tests: TestSet, target: Target, got: Streamed, begin: float, end: float) -> Answer:
    price, cost = target.price, None
    if price and got.input_tokens is not None and got.output_tokens is not None:
        cost = (got.input_tokens * price.input_per_million + got.output_tokens * price.output_per_million) / 1e6
    measured = {
        "text": got.text,
        "cut": got.cut,
        "first_token_s": None if got.first is None else round(got.first - begin, 3),
        "total_s": round(end - begin, 3),
        "input_tokens": got.input_tokens,
        "output_tokens": got.output_tokens,
        "cost": cost,
    }
    if got.error:
        return known.model_copy(update={**measured, "reason": got.error})
    if alarm := left_home(tests, target, known.data_class, known.zone):
        return known.model_copy(update={**measured, "fate": "left-home", "reason": alarm})
    if not got.text.strip():
        return known.model_copy(update={**measured, "reason": "the answer is empty"})
    return known.model_copy(update={**measured, "fate": "answered"})


def _refused(known: Answer, target: Target, status: int, why: str) -> Answer:
    if target.gateway and status == httpx.codes.FORBIDDEN and known.record:
        return known.model_copy(update={"fate": "refused", "reason": why, "refused_by": "decision layer"})
    return known.model_copy(update={"reason": f"status {status}: {why}"})


def _read_headers(response: httpx.Response) -> dict[str, str]:
    named = {"record": "X-Decision-Record", "rule": "X-Rule", "zone": "X-Zone", "model": "X-Model"}
    return {field: response.headers.get(header, "")[:200] for field, header in named.items()}


async def _read_error(response: httpx.Response) -> str:
    content = (await response.aread())[:20_000]
    try:
        return tell_error(json.loads(content))
    except ValueError:
        return "no reason given"


def _tell(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}".rstrip(": ")

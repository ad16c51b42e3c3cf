"""One hop: checked again, sent, and its answer opened. Nothing of the answer is read before it is known to be good."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from decision_layer.audit.record import Hop
from decision_layer.gateway.anthropic import UntranslatableError
from decision_layer.gateway.callers import Credentials
from decision_layer.gateway.channel import Answer, BrokenError
from decision_layer.gateway.deciding import Decided
from decision_layer.gateway.pool import Pool
from decision_layer.gateway.wire import make_outgoing
from decision_layer.policy.decide import refusal
from decision_layer.policy.load import LoadedPolicy
from decision_layer.policy.shape import Model

KEY_REFUSED = frozenset({401, 403})
"""The upstream does not know the gateway's key, or does not let it: no fault of the client's, whose key was good."""
RETRIED = KEY_REFUSED | frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Busy or broken: the next candidate is asked. Other errors are the client's to see. 529 is Anthropic's overloaded."""
SILENT_S = 600.0
"""An upstream that says nothing for so long is given up."""


class Opened(msgspec.Struct, frozen=True):
    """An upstream that answers: its head is here, its body is still to come."""

    model: Model
    answer: Answer
    translate: bool
    started: float


class NoAnswerError(Exception):
    """Every candidate failed; `hops` say how, the text says it to the client."""

    def __init__(self, hops: tuple[Hop, ...], told: list[str]) -> None:
        super().__init__(f"no model answered ({'; '.join(told)})")
        self.hops = hops


class _Failed(NamedTuple):
    """One hop: `error` is a code, for the record; `words` are for the client alone, since its own may be in them."""

    status: int
    error: str
    words: str = ""


class BarredError(Exception):
    """The policy does not let this hop go out; the words say why."""


InUse = Callable[[], tuple[LoadedPolicy, Credentials]]
"""The policy and the keys in use now: a reload may come between two hops, or while one connects."""


async def open_first(
    pool: Pool, in_use: InUse, decided: Decided, body: dict[str, object], begin: float
) -> tuple[Opened, tuple[Hop, ...]]:
    """The first candidate that answers, and the hops that did not. Raises NoAnswerError.

    Each hop asks the policy again: the one that decided, and the one in use now where it was changed meanwhile.
    """
    hops: list[Hop] = []
    told: list[str] = []
    for name in decided.decision.chain:
        model = decided.loaded.models[name]
        started = time.monotonic()
        opened = await _try(pool, in_use, decided, model, body, started)
        if isinstance(opened, Opened):
            return opened, tuple(hops)
        hops.append(_hop(model, opened.status, opened.error, begin, started))
        told.append(f"{name}: {opened.words or opened.error}")
    raise NoAnswerError(tuple(hops), told)


def _recheck(decided: Decided, model: Model, current: LoadedPolicy) -> str:
    facts, data_class = decided.facts, decided.decision.data_class
    home = bool(facts.doubt) or (facts.label is not None and facts.label not in decided.loaded.rank)
    budget = decided.decision.budget or None
    barred = refusal(decided.loaded, model, data_class, facts, stay_home=home, budget=budget)
    if barred or current is decided.loaded:
        return barred
    now = current.models.get(model.name)
    if now != model or data_class not in current.rank:
        return "policy: it was changed meanwhile"
    return refusal(current, now, data_class, facts, stay_home=home, budget=budget)


async def _try(
    pool: Pool, in_use: InUse, decided: Decided, model: Model, body: dict[str, object], started: float
) -> Opened | _Failed:
    def check() -> None:
        if barred := _recheck(decided, model, in_use()[0]):
            raise BarredError(f"barred: {barred}")

    home = decided.loaded.is_home(model)
    try:
        check()
        keys = in_use()[1].header_for(model)
        outgoing = make_outgoing(model, decided.facts.endpoint, body, home=home, keys=keys)
    except BarredError as error:
        return _Failed(0, str(error))
    except UntranslatableError as error:
        return _Failed(0, "untranslatable", str(error))
    except (KeyError, TypeError, AttributeError):
        return _Failed(0, "untranslatable", "the request has not the shape that this model's API needs")
    try:
        answer = await pool.post(
            outgoing.url,
            outgoing.headers,
            outgoing.body,
            silent_s=SILENT_S,
            authority=outgoing.authority,
            connected=check,
        )
    except (BrokenError, BarredError) as error:
        return _Failed(0, str(error))
    if answer.status in RETRIED or 300 <= answer.status < 400:
        answer.close()
        return _Failed(answer.status, _tell(answer.status))
    return Opened(model, answer, outgoing.translate, started)


def _tell(status: int) -> str:
    if status in KEY_REFUSED:
        return "key_refused"
    return "busy" if status in (429, 529) else "failed"


def _hop(model: Model, status: int, error: str, begin: float, started: float) -> Hop:
    return Hop(
        model=model.name,
        zone=model.zone,
        status=status,
        error=error[:200],
        start_us=round((started - begin) * 1e6),
        duration_us=round((time.monotonic() - started) * 1e6),
    )


def succeeded(opened: Opened, begin: float) -> Hop:
    """The hop that answered, once its answer is over."""
    return _hop(opened.model, opened.answer.status, "", begin, opened.started)

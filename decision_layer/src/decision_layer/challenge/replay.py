"""An old decision made again: the facts that were sealed with it, and the policy of that hash."""

from __future__ import annotations

from typing import Literal

import msgspec

from decision_layer.audit.errors import AuditError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.reader import Found, LogReader
from decision_layer.audit.record import Decision as Recorded
from decision_layer.gateway.policies import load_former
from decision_layer.gateway.settings import Settings
from decision_layer.policy.decide import Facts, decide
from decision_layer.policy.explain import Counterfactual, counterfactuals
from decision_layer.policy.load import PolicyError

_facts = msgspec.msgpack.Decoder(Facts)


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """`result` as the audit trail's Review names it; `why` says what keeps it from being made again."""

    result: Literal["identical", "different", "not_possible"]
    why: str = ""
    others: tuple[Counterfactual, ...] = ()


def replay(found: Found, reader: LogReader, keys: AuditKeys, settings: Settings) -> Replay:
    """Never raises for what is missing: erased facts or a lost policy are told."""
    recorded = found.entry
    if not isinstance(recorded, Recorded):
        return Replay(result="not_possible", why="the record's content was removed (retention)")
    try:
        sealed = reader.open_sealed(found, keys)
        if sealed is None or not sealed.snapshot:
            return Replay(result="not_possible", why="the facts were erased")
        facts = _facts.decode(sealed.snapshot)
        loaded = load_former(settings, recorded.policy_sha256)
    except (AuditError, PolicyError, msgspec.MsgspecError) as error:
        return Replay(result="not_possible", why=str(error))
    again = decide(loaded, facts)
    same = (
        again.data_class == recorded.effective_class
        and again.rule == recorded.rule
        and again.reasons == recorded.reasons
        and again.chain == recorded.hops
        and [(c.model, c.zone, c.refused) for c in again.candidates]
        == [(c.model, c.zone, c.refused) for c in recorded.candidates]
    )
    return Replay(result="identical" if same else "different", others=counterfactuals(loaded, facts, again))

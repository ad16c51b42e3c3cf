"""Records as OTLP/HTTP JSON spans (opentelemetry-proto: hex ids, 64-bit numbers as text).

Only facts go out: no sealed part is ever opened for this. Ids follow from the record id, so that what is sent twice
after a restart is one span in Langfuse.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from decision_layer.audit import gen_ai
from decision_layer.audit.record import Decision, Outcome

_TRACE_ID = re.compile("[0-9a-f]{32}")
_INTERNAL, _CLIENT = 1, 3  # SpanKind
_OK, _ERROR = 1, 2  # Status.code


def request(spans: list[dict[str, Any]], host: str, version: str) -> dict[str, Any]:
    """An ExportTraceServiceRequest."""
    resource = _attributes({"service.name": "decision-layer", "service.version": version, "host.name": host})
    scope = {"name": "decision_layer.audit", "version": version}
    return {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"scope": scope, "spans": spans}]}]}


def span(decision: Decision, outcome: Outcome | None) -> dict[str, Any]:
    """One span per decision: from its arrival to the end of its answer, or to the refusal."""
    end = outcome.finished_at if outcome else decision.decided_at
    well = outcome is not None and outcome.result == "completed"
    made: dict[str, Any] = {
        "traceId": decision.trace_id if _TRACE_ID.fullmatch(decision.trace_id) else _hex(decision.record_id),
        "spanId": _hex(decision.record_id)[16:],
        "name": f"{decision.effect} {decision.effective_class}",
        "kind": _CLIENT if outcome else _INTERNAL,
        "startTimeUnixNano": _nanos(decision.received_at.timestamp()),
        "endTimeUnixNano": _nanos(max(end, decision.received_at).timestamp()),
        "attributes": _attributes(_of_decision(decision) | (_of_outcome(outcome) if outcome else {})),
        "status": {"code": _OK if well else _ERROR},
    }
    if not well:
        made["status"]["message"] = outcome.error or outcome.result if outcome else " ".join(decision.reasons)
    return made


def _of_decision(decision: Decision) -> dict[str, object]:
    chosen = decision.chosen
    return {
        gen_ai.OPERATION: gen_ai.OPERATIONS.get(decision.endpoint, decision.endpoint),
        gen_ai.PROVIDER: chosen.provider if chosen else "",
        gen_ai.REQUEST_MODEL: chosen.model if chosen else decision.requested_model,
        gen_ai.TRACE_NAME: decision.task_type or decision.endpoint,
        gen_ai.TRACE_TAGS: [decision.effective_class, chosen.zone if chosen else decision.effect],
        f"{gen_ai.OWN}record_id": decision.record_id,
        f"{gen_ai.OWN}class": decision.effective_class,
        f"{gen_ai.OWN}effect": decision.effect,
        f"{gen_ai.OWN}rule": decision.rule,
        f"{gen_ai.OWN}zone": chosen.zone if chosen else "",
        f"{gen_ai.OWN}inference_location": chosen.inference_location if chosen else "",
        f"{gen_ai.OWN}storage_location": chosen.storage_location if chosen else "",
        f"{gen_ai.OWN}caller": decision.caller,
        f"{gen_ai.OWN}policy_sha256": decision.policy_sha256,
        f"{gen_ai.OWN}findings": [f"{one.kind}:{one.count}" for one in decision.findings],
        f"{gen_ai.OWN}reasons": list(decision.reasons),
    }


def _of_outcome(outcome: Outcome) -> dict[str, object]:
    good = outcome.result in {"completed", "cancelled"}
    return {
        gen_ai.RESPONSE_MODEL: outcome.model,
        gen_ai.INPUT_TOKENS: outcome.input_tokens,
        gen_ai.OUTPUT_TOKENS: outcome.output_tokens,
        gen_ai.LEVEL: "DEFAULT" if good else "ERROR",
        gen_ai.MESSAGE: outcome.error,
        f"{gen_ai.OWN}result": outcome.result,
        f"{gen_ai.OWN}status": outcome.status,
        f"{gen_ai.OWN}hops": [f"{hop.model}:{hop.status}" for hop in outcome.hops],
        f"{gen_ai.OWN}first_byte_us": outcome.first_byte_us,
    }


def _attributes(values: dict[str, object]) -> list[dict[str, Any]]:
    """KeyValue list; what is empty is left out."""
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value not in ("", [])]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(one) for one in value]}}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}


def _hex(record_id: str) -> str:
    return UUID(record_id).hex


def _nanos(seconds: float) -> str:
    return str(round(seconds * 1_000_000) * 1000)

"""The log for other programs: JSON lines that hold everything but what is sealed, and a table of decisions as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import IO

import msgspec

from decision_layer.audit import chain
from decision_layer.audit.reader import Found
from decision_layer.audit.record import Decision, Outcome

_OF_DECISION = ("request_id", "endpoint", "caller", "task_type", "explicit_label", "effective_class", "effect", "rule")
_OF_POLICY = ("requested_model", "policy_id", "policy_version", "policy_sha256")
_OF_CHOSEN = ("model", "revision", "provider", "zone", "inference_location", "storage_location")
_OF_OUTCOME = ("result", "status", "input_tokens", "output_tokens", "latency_us", "error")
COLUMNS = (
    *("seq", "record_id", "decided_at", *_OF_DECISION, *_OF_POLICY, "findings", "reasons"),
    *(*_OF_CHOSEN, *_OF_OUTCOME, "hops"),
)


def jsonl(rows: Iterable[Found], out: IO[str], prev: bytes = chain.GENESIS) -> int:
    """One line per row; the entry stands as the very bytes that were hashed. Returns the number of rows."""
    count = 0
    for row in rows:
        line = {
            "seq": row.seq,
            "at": row.at,
            "prev_hash": prev.hex(),
            "hash": row.hash.hex(),
            "body_sha256": row.body_hash.hex(),
            "sealed_sha256": row.sealed_hash.hex() if row.sealed_hash else "",
            "kind": row.kind,
            "record_id": row.record_id,
            "entry": msgspec.Raw(row.body) if row.body is not None else None,
        }
        out.write(msgspec.json.encode(line).decode() + "\n")
        prev, count = row.hash, count + 1
    return count


def table(rows: Iterable[Found], out: IO[str]) -> int:
    """One line per decision with the outcome beside it; a decision without one comes last. Returns the decisions."""
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    open_decisions: dict[str, dict[str, object]] = {}
    count = 0
    for row in rows:
        entry = row.entry
        if isinstance(entry, Decision):
            open_decisions[entry.record_id] = _decision(row.seq, entry)
            count += 1
        elif isinstance(entry, Outcome) and entry.record_id in open_decisions:
            writer.writerow({k: _cell(v) for k, v in (open_decisions.pop(entry.record_id) | _outcome(entry)).items()})
    for line in open_decisions.values():
        writer.writerow({key: _cell(value) for key, value in line.items()})
    return count


def _decision(seq: int, entry: Decision) -> dict[str, object]:
    chosen = entry.chosen
    line = {name: getattr(entry, name) for name in ("record_id", *_OF_DECISION, *_OF_POLICY)}
    if chosen:
        line |= {name: getattr(chosen, name) for name in _OF_CHOSEN}
    return line | {
        "seq": seq,
        "decided_at": entry.decided_at.isoformat(),
        "findings": " ".join(f"{one.kind}:{one.count}" for one in entry.findings),
        "reasons": " ".join(entry.reasons),
    }


def _outcome(entry: Outcome) -> dict[str, object]:
    hops = " ".join(f"{hop.model}:{hop.status}" for hop in entry.hops)
    return {name: getattr(entry, name) for name in _OF_OUTCOME} | {"hops": hops}


def _cell(value: object) -> str:
    """Text that a spreadsheet would run as a formula gets a quote before it (OWASP, CSV injection)."""
    text = str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text

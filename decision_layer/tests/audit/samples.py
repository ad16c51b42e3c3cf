"""Entries as the gateway would write them, and a log with some of every kind."""

from __future__ import annotations

import hashlib
from pathlib import Path

from decision_layer.audit import checkpointer, ids, maintain
from decision_layer.audit.backend import Backend
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.maintain import Reason
from decision_layer.audit.record import (
    Candidate,
    Challenge,
    Chosen,
    Decision,
    Hop,
    Outcome,
    Review,
    Sealed,
    utc_now,
)
from decision_layer.audit.store import LogStore
from decision_layer.parts import Finding

KEYS = AuditKeys([hashlib.sha256(b"a test's audit key").digest()])
POLICY = hashlib.sha256(b"policy").hexdigest()


def decision(**changed: object) -> Decision:
    """A confidential chat that stays at home: about 1.5 kB, as large as a real one."""
    now = utc_now()
    fields: dict[str, object] = {
        "record_id": ids.record_id(),
        "received_at": now,
        "decided_at": now,
        "request_id": "req-1",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "endpoint": "/v1/chat/completions",
        "caller": "open-webui",
        "caller_auth": "bearer",
        "task_type": "summary",
        "findings": (Finding("iban", 2), Finding("art9.health", 1)),
        "effective_class": "art9",
        "policy_id": "firm",
        "policy_version": "7",
        "policy_sha256": POLICY,
        "effect": "allow",
        "requested_model": "auto",
        "candidates": tuple(
            Candidate(f"cloud-{n}", "us-cloud", "class art9 may not leave the house") for n in range(4)
        ),
        "chosen": Chosen("home", "sha256:1f2e", "vllm", "self-hosted", "DE", "DE"),
        "rule": "R7",
        "hops": ("home", "home-small"),
        "reasons": ("class:art9", "zone:self-hosted"),
        "input_sha256": POLICY,
        "input_bytes": 2048,
        "software_version": "0.1.0",
        "host": "gateway",
    }
    return Decision(**{**fields, **changed})  # type: ignore[arg-type]


def outcome(record_id: str) -> Outcome:
    """It went well."""
    return Outcome(
        record_id=record_id,
        finished_at=utc_now(),
        result="completed",
        status=200,
        model="home",
        output_sha256=POLICY,
        input_tokens=512,
        output_tokens=64,
        first_byte_us=81_000,
        latency_us=912_000,
        hops=(Hop("home", "self-hosted", 200),),
    )


def challenge(record_id: str, state: str = "filed") -> Challenge:
    """Someone contests it."""
    return Challenge(record_id=record_id, challenge_id=f"c-{record_id}", at=utc_now(), state=state)  # type: ignore[arg-type]


async def fill(backend: Backend, second: Path, rounds: int = 8, each: int = 6) -> list[str]:
    """A log with every kind of entry and a checkpoint per round in both places; the ids of its decisions."""
    backend.directory.mkdir(parents=True, exist_ok=True)
    second.mkdir(parents=True, exist_ok=True)
    store = LogStore.open(backend, KEYS, second)
    known: list[str] = []
    for number in range(rounds):
        for _ in range(each):
            record = decision()
            sealed = Sealed(KEYS.pseudonym(f"subject {len(known) % 5}"), b"the input") if len(known) % 3 else None
            await store.decide(record, sealed)
            await store.append(outcome(record.record_id))
            known.append(record.record_id)
        last = await store.append(challenge(known[-1]), Sealed("", b"why I contest this"))
        await store.append(
            Review(record_id=known[-1], at=utc_now(), reviewer="r", authority="dpo", verdict="upheld", reason="rule R7")
        )
        checkpointer.write([backend.directory, second], last, POLICY, KEYS)
        if number == rounds // 2:
            maintain.erase(backend, KEYS, "subject 1", Reason("GDPR Art. 17(1)", "dpo"))
    await store.close()
    return known

"""Is the record of an answer found by its id, and is the chain of all records whole?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation_decision import DecisionObservation
from provision.verify.checks.decision_chat import SERVICE
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service

_EXPECTED = "the answer's record, with its class, zone and model, in a chain that verifies"


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    seen = evidence.web.decision
    if seen is None or not seen.plain.record:
        return
    problem = _find_problem(seen)
    if problem:
        yield Verdict("failed", _EXPECTED, problem, logs_of_service(evidence.plan, SERVICE))
        return
    yield Verdict("passed", _EXPECTED, f"record {seen.plain.record}, {seen.record.result}; chain {seen.chain}")


def _find_problem(seen: DecisionObservation) -> str:
    record, answer = seen.record, seen.plain
    if record.error or not record.data_class:
        return f"no record {answer.record}: {record.error or seen.error or 'it is empty'}"
    for what, told, kept in (
        ("class", answer.data_class, record.data_class),
        ("zone", answer.zone, record.zone),
        ("model", answer.model, record.model),
    ):
        if told != kept:
            return f"the answer names the {what} {told}, its record {kept or 'none'}"
    if seen.chain_whole is None:
        return f"the chain could not be verified: {seen.chain or seen.error}"
    return "" if seen.chain_whole else f"the chain is not whole: {seen.chain}"


CHECK = Check(
    id="decision_record",
    title="Record of decisions",
    asks="On its machine: the answer's record is found by its id and says the same class, zone and model; the chain of "
    "all records verifies, with its checkpoints in both places.",
    fails="Somebody changed the log, a copy of it was put back, or its disk lost what was written.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "decision_chat"),
)

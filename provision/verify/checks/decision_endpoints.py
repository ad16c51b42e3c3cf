"""Does every text model answer by each API that the plan promises beside chat: Responses and Messages?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.endpoints import further_endpoints
from provision.models.observation_decision import DecisionObservation, EndpointAnswer
from provision.models.plan import EngineInstance
from provision.verify.checks.chat_login import say
from provision.verify.checks.decision_chat import SERVICE
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of, logs_of_service

FORMS = {"responses": "response", "messages": "message"}
"""What a whole answer of each API says that it is."""


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    seen = evidence.web.decision
    if seen is None or seen.plain.step.status != 200:
        return
    for engine in evidence.plan.text_engines:
        if ways := further_endpoints(engine):
            yield _judge_model(evidence, seen, engine, ways)


def _judge_model(
    evidence: Evidence, seen: DecisionObservation, engine: EngineInstance, ways: tuple[str, ...]
) -> Verdict:
    expected = f"answers at home by {' and '.join(f'/v1/{way}' for way in ways)}, each with a record"
    answers = {item.endpoint: item for item in seen.endpoints if item.model == engine.served_name}
    simulated = engine.simulated and bool(engine.cards)
    for way in ways:
        if problem := _find_problem(way, answers.get(way), seen):
            step = f"{logs_of_service(evidence.plan, SERVICE)}, then {logs_of(engine.machine)}"
            return Verdict("failed", expected, f"/v1/{way}: {problem}", step, engine.served_name, simulated)
    measured = "; ".join(f"/v1/{way}: {answers[way].output_tokens} tokens" for way in ways)
    seconds = sum(answers[way].answer.step.seconds for way in ways)
    return Verdict("passed", expected, measured, "", engine.served_name, simulated, seconds)


def _find_problem(way: str, asked: EndpointAnswer | None, seen: DecisionObservation) -> str:
    if asked is None:
        return f"not asked: {seen.error or 'an earlier question got no answer'}"
    answer = asked.answer
    if answer.step.status != 200:
        return f"no answer: {say(answer.step)}"
    if asked.form != FORMS[way] or asked.output_tokens < 1:
        return f"the answer is no {FORMS[way]} with a token in it, but '{asked.form}' with {asked.output_tokens}"
    if answer.zone not in seen.home_zones or answer.model != asked.model:
        return f"{answer.model or 'no named model'} in {answer.zone or 'no named zone'} answered"
    return "" if answer.record else "the answer names no record"


CHECK = Check(
    id="decision_endpoints",
    title="Responses and Messages",
    asks="On the decision layer's machine: every text model answers a question by /v1/responses and by /v1/messages "
    "where the plan promises them, at home, with tokens in the shape of that API and a record.",
    fails="A front before the engine does not let the path through, or the engine's release does not serve it.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "model_resident", "decision_chat"),
)

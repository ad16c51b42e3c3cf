"""Does the decision layer answer a chat by a local model, and name class, zone, rule and record?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.verify.checks.chat_login import say
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service

SERVICE = "decision_layer"
_EXPECTED = "an answer at home whose headers name class, zone, model, rule and record; none without a key"


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    if all(service.name != SERVICE for service in evidence.plan.services) or not evidence.plan.text_engines:
        return
    seen, logs = evidence.web.decision, logs_of_service(evidence.plan, SERVICE)
    if seen is None:
        yield Verdict("failed", _EXPECTED, "not asked", "run provision verify on the controller again")
        return
    answer = seen.plain
    named = (answer.data_class, answer.zone, answer.model, answer.rule, answer.record)
    if seen.error and answer.step.status is None:
        yield Verdict("failed", _EXPECTED, seen.error, logs)
    elif answer.step.status != 200:
        yield Verdict("failed", _EXPECTED, f"no answer: {say(answer.step)}", f"{logs}; does it reach the engine?")
    elif not all(named):
        yield Verdict("failed", _EXPECTED, f"the headers name only {', '.join(filter(None, named)) or 'nothing'}", logs)
    elif answer.zone not in seen.home_zones:
        yield Verdict("failed", _EXPECTED, f"a local model was asked for, and {answer.zone} answered", logs)
    elif seen.without_key != 401:
        yield Verdict("failed", _EXPECTED, f"a request without a key is answered by HTTP {seen.without_key}", logs)
    else:
        measured = f"{answer.model} in {answer.zone}, class {answer.data_class}, rule {answer.rule}"
        yield Verdict("passed", _EXPECTED, f"{measured}; without a key HTTP 401", seconds=answer.step.seconds)


CHECK = Check(
    id="decision_chat",
    title="Decision layer",
    asks="On its machine, with a key of its own: a chat is answered by a local model, and the answer's headers name "
    "class, zone, model, rule and record. Who has no key is refused.",
    fails="The decision layer does not reach the engine, or a key differs.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "model_resident"),
)

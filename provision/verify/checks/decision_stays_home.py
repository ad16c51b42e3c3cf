"""Is a text with an account number answered at home, whatever its label says?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.verify.checks.chat_login import say
from provision.verify.checks.decision_chat import SERVICE
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service

_EXPECTED = "a text with an account number, labelled public, is answered at home under a higher class"


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    seen = evidence.web.decision
    if seen is None or seen.confidential.step == type(seen.confidential.step)():
        return
    answer, step = seen.confidential, logs_of_service(evidence.plan, SERVICE)
    if answer.step.status != 200:
        yield Verdict("failed", _EXPECTED, f"no answer: {say(answer.step)}", step)
    elif answer.zone not in seen.home_zones:
        step = "take the other zones from this class in the policy, at once"
        yield Verdict("failed", _EXPECTED, f"it went to {answer.zone or 'an unnamed zone'}", step)
    elif answer.data_class in ("", "public"):
        named = answer.data_class or "not named"
        yield Verdict("failed", _EXPECTED, f"its class is {named}", "see `findings` in the policy")
    else:
        measured = f"zone {answer.zone}, class {answer.data_class}, by {answer.model}"
        yield Verdict("passed", _EXPECTED, measured, seconds=answer.step.seconds)


CHECK = Check(
    id="decision_stays_home",
    title="What must stay, stays",
    asks="A text with an account number, labelled public, is given to the decision layer with the model `auto`: the "
    "answer names a higher class and a zone that is the firm's own.",
    fails="The policy lets this class out, or no longer knows account numbers.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "decision_chat"),
)

"""Runs the sample workflow of n8n end to end, and only with its key?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation_web import WorkflowObservation
from provision.verify.checks.chat_login import say
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service

SITE = "flows"
_EXPECTED = "the workflow answers with a model's text; a wrong key and an unknown account are refused"
_REFUSALS = frozenset({401, 403, 429})
"""n8n answers 403 to a wrong key, 401 to a wrong password and 429 to too many of them."""


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    if not evidence.asks_through(SITE):
        return
    seen = evidence.web.workflow
    if seen is None:
        yield Verdict("failed", _EXPECTED, "not asked", "run provision verify on the controller again")
        return
    problem = _find_problem(seen, logs_of_service(evidence.plan, "n8n"))
    if problem:
        yield Verdict("failed", _EXPECTED, *problem)
    else:
        text = f"{seen.model} answered {len(seen.answer)} characters in {seen.run.seconds:.1f} s; "
        text += f"wrong key HTTP {seen.wrong_key.status}"
        yield Verdict("passed", _EXPECTED, f"{text}; owner signs in", seconds=seen.run.seconds)


def _find_problem(seen: WorkflowObservation, logs: str) -> tuple[str, str] | None:
    if seen.run.status != 200:
        step = "the workflow must be published (active) in the editor; provision up publishes it"
        return f"the sample workflow does not run: {say(seen.run)}", f"{logs}; {step}"
    if not seen.model:
        return "the sample workflow ran but brought no answer of a model", f"{logs}; see chat_answer"
    if seen.wrong_key.status not in _REFUSALS:
        return (
            f"a wrong key is not refused: {say(seen.wrong_key)}",
            "the webhook must demand its header credential: provision up imports the workflow again",
        )
    if seen.editor_login.status != 200:
        return f"the owner cannot sign in to the editor: {say(seen.editor_login)}", logs
    if seen.wrong_login.status not in _REFUSALS:
        return f"an unknown account is not refused: {say(seen.wrong_login)}", logs
    return None


CHECK = Check(
    id="workflow_run",
    title="Sample workflow of n8n",
    asks="Through the gateway: the sample workflow's webhook, called with its key, brings a model's text; a wrong key "
    "is refused; the owner signs in to the editor, an unknown account not.",
    fails="The workflow is not published, its credential is missing, or the engine is not reached.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "listeners", "ports_outside", "tls"),
)

"""Does n8n's workflow classify and summarise documents with a model, within the firm's classes?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation_web import ClassifiedDocument
from provision.models.plan import Plan
from provision.verify.checks.chat_login import say
from provision.verify.checks.workflow_run import SITE
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service

_EXPECTED = "two documents are summarised by a planned model and put into one of the firm's classes"


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    if not evidence.asks_through(SITE):
        return
    seen = evidence.web.workflow
    if seen is None or not seen.documents:
        yield Verdict("failed", _EXPECTED, "not asked", "run provision verify on the controller again")
        return
    logs = f"{logs_of_service(evidence.plan, 'n8n')}; the workflow's executions are in n8n's editor"
    problem = next(filter(None, (_find_problem(item, evidence.plan) for item in seen.documents)), None)
    simulated = any(engine.simulated for engine in evidence.plan.engines)
    if not problem and not simulated and len({item.summary for item in seen.documents}) < len(seen.documents):
        problem = "different documents have the same summary: it is not a model that reads them"
    if problem:
        yield Verdict("failed", _EXPECTED, problem, logs)
        return
    classes = ", ".join(f"'{item.document_class}' in {item.step.seconds:.1f} s" for item in seen.documents)
    note = " (by the lab's small model, which is not judged for being right)" if simulated else ""
    seconds = sum(item.step.seconds for item in seen.documents)
    yield Verdict("passed", _EXPECTED, f"{classes}{note}", seconds=seconds)


def _find_problem(seen: ClassifiedDocument, plan: Plan) -> str | None:
    if seen.step.status != 200:
        return f"a document is not classified: {say(seen.step)}"
    if seen.document_class not in plan.document_classes:
        return f"the class '{seen.document_class}' is none of the firm's: {', '.join(plan.document_classes)}"
    if not seen.summary:
        return "the answer has no summary"
    if seen.model not in {engine.served_name for engine in plan.text_engines}:
        return f"the answer names no planned model: '{seen.model}'"
    return None


CHECK = Check(
    id="document_class",
    title="Documents classified by n8n",
    asks="Through the gateway: the workflow that sorts documents is given two unlike texts with its key; a planned "
    "model summarises each in words of its own and chooses one of the profile's `workflows.document_classes`.",
    fails="The engine does not know `response_format`, its answer was cut off, or the workflow is not published.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "listeners", "ports_outside", "tls", "workflow_run"),
)

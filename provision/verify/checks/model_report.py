"""Does n8n's nightly report, run now, tell of every planned model that it is healthy and answers?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.verify.checks.chat_login import say
from provision.verify.checks.workflow_run import SITE
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service

_EXPECTED = "the report has a row for each planned model, and each is healthy and answers"


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    plan = evidence.plan
    if not evidence.asks_through(SITE):
        return
    seen = evidence.web.workflow
    if seen is None or seen.report is None:
        yield Verdict("failed", _EXPECTED, "not asked", "run provision verify on the controller again")
        return
    logs = logs_of_service(plan, "n8n")
    if seen.report.step.status != 200:
        yield Verdict("failed", _EXPECTED, f"the report does not run: {say(seen.report.step)}", logs)
        return
    reported = {row.engine for row in seen.report.engines}
    missing = [engine.served_name for engine in plan.asked_engines if engine.served_name not in reported]
    ill = [
        f"{row.engine}: {row.problem or ('no answer' if row.healthy else 'not healthy')}"
        for row in seen.report.engines
        if not (row.healthy and row.answered)
    ]
    if missing or ill:
        told = "; ".join([*(f"{name} is not in the report" for name in missing), *ill])
        yield Verdict("failed", _EXPECTED, told, f"{logs}; see chat_answer")
        return
    told = ", ".join(f"{row.engine} {row.seconds:.1f} s" for row in seen.report.engines)
    yield Verdict("passed", _EXPECTED, f"{told}; kept in n8n's table 'model health'", seconds=seen.report.step.seconds)


CHECK = Check(
    id="model_report",
    title="Health report of the models by n8n",
    asks="Through the gateway: the workflow that runs each night is run by its webhook; it asks the decision "
    "layer for its health and every model for a short answer, and hands back the rows of n8n's data table.",
    fails="A model server is down or refuses its key, the task runner is not there, or the workflow is not published.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "listeners", "ports_outside", "tls", "workflow_run"),
)

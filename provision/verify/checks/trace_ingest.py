"""Takes Langfuse a trace with its keys, gives it back, and turns everybody else away?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation_web import TracingObservation
from provision.models.plan import Plan
from provision.verify.checks.chat_login import say
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service
from provision.verify.web_traces import NAME, PATIENCE_S

SITE = "traces"
_EXPECTED = "a trace sent with the project's keys is read back; a wrong key and a sign-up are refused"
_REFUSED_KEY = frozenset({401, 403})
_CLOSED = frozenset({400, 403, 404, 422})
"""Upstream answers 422 where AUTH_DISABLE_SIGNUP is set; another client error keeps strangers out as well."""


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    if not evidence.asks_through(SITE):
        return
    seen = evidence.web.tracing
    if seen is None:
        yield Verdict("failed", _EXPECTED, "not asked", "run provision verify on the controller again")
        return
    problem = _find_problem(seen, evidence.plan)
    if problem:
        yield Verdict("failed", _EXPECTED, *problem)
        return
    stand_in = any(service.name == "langfuse" and service.stand_in for service in evidence.plan.services)
    what = f"a stand-in of the lab for Langfuse {seen.version}" if stand_in else f"Langfuse {seen.version}"
    text = f"{what}: project {seen.project}, trace read back after {seen.wait_s:.1f} s and deleted; "
    text += f"wrong key HTTP {seen.wrong_key.status}, sign-up HTTP {seen.sign_up.status}"
    text += "; the decision layer's record of an answer is there" if seen.decision else ""
    yield Verdict("passed", _EXPECTED, text, seconds=seen.wait_s or 0.0)


def _find_problem(seen: TracingObservation, plan: Plan) -> tuple[str, str] | None:
    logs = logs_of_service(plan, "langfuse")
    containers = "docker ps on its machine shows which container is unhealthy"
    if seen.health.status != 200:
        return f"it is not healthy: {say(seen.health)}", f"{logs}; {containers}"
    if seen.projects.status != 200 or not seen.project:
        step = "keys are taken at the first start only: compare its project's keys with provision secrets show"
        return f"the project's keys are not taken: {say(seen.projects)}", step
    if seen.wrong_key.status not in _REFUSED_KEY:
        return f"a wrong key is not refused: {say(seen.wrong_key)}", f"take it off the gateway; {logs}"
    if seen.sign_up.status not in _CLOSED:
        step = "AUTH_DISABLE_SIGNUP must be true in /etc/langfuse/langfuse.env: run provision up"
        return f"a stranger may sign up: {say(seen.sign_up)}", step
    if seen.sent.status != 200:
        return f"a trace is not taken: {say(seen.sent)}", f"{logs}; {containers}"
    if seen.wait_s is None or seen.read_back.detail != NAME:
        found = f"the trace is not there after {PATIENCE_S:.0f} s: {say(seen.read_back)}"
        return found, f"the worker writes it: {containers}; docker logs langfuse_worker_1"
    if seen.removed.status != 200:
        return f"the trace cannot be deleted, so retention does nothing: {say(seen.removed)}", logs
    if seen.decision and seen.decision_wait_s is None:
        found = f"the decision layer's record of an answer is not there after {PATIENCE_S:.0f} s: {say(seen.decision)}"
        return found, f"it says in its journal what hinders it: {logs_of_service(plan, 'decision_layer')}"
    return None


CHECK = Check(
    id="trace_ingest",
    title="Trace through Langfuse",
    asks="Through the gateway: health, the project with its keys, a wrong key, a sign-up; a trace by OTLP over HTTP, "
    "read back by the API of observations, deleted. With a decision layer: the record of the answer that it gave to "
    "`decision_chat`, which it sends by itself.",
    fails="A container is down, the keys are not those of the vault, or the worker does not write.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "listeners", "ports_outside", "tls"),
)

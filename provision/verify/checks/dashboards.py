"""Does Grafana let in its administrator alone, and does every planned dashboard show something?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.monitoring import GRAFANA, list_dashboards
from provision.models.observation_web import DashboardsObservation
from provision.verify.checks.chat_login import say
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service

SITE = "metrics"
_REFUSALS = frozenset({401, 403})


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    if not evidence.asks_through(SITE):
        return
    wanted = list_dashboards(evidence.plan)
    expected = f"{len(wanted)} dashboards with data from Prometheus; who is not signed in is refused"
    seen = evidence.web.dashboards
    if seen is None:
        yield Verdict("failed", expected, "not asked", "run provision verify on the controller again")
        return
    logs = logs_of_service(evidence.plan, GRAFANA)
    problem = _find_problem(seen, logs) or _find_empty(seen, wanted, logs)
    if problem:
        yield Verdict("failed", expected, *problem)
        return
    shown = sum(bool(query.series) for query in seen.queries)
    text = f"Grafana {seen.version}: {', '.join(wanted)}; {shown} of {len(seen.queries)} queries have data now; "
    yield Verdict("passed", expected, f"{text}without an account HTTP {seen.anonymous.status}")


def _find_problem(seen: DashboardsObservation, logs: str) -> tuple[str, str] | None:
    if seen.health.status != 200:
        return f"Grafana does not answer through the gateway: {say(seen.health)}", logs
    for what, step in (("nobody in particular", seen.anonymous), ("an unknown account", seen.wrong_password)):
        if step.status not in _REFUSALS:
            return f"{what} is not refused: {say(step)}", f"provision up closes it; {logs}"
    if seen.sign_in.status != 200:
        return f"the administrator cannot sign in: {say(seen.sign_in)}", f"a restart sets the vault's password; {logs}"
    if seen.search.status != 200:
        return f"the dashboards are not listed: {say(seen.search)}", logs
    return None


def _find_empty(seen: DashboardsObservation, wanted: tuple[str, ...], logs: str) -> tuple[str, str] | None:
    if missing := [name for name in wanted if name not in seen.found]:
        return f"not loaded: {', '.join(missing)}", f"provision up writes them; {logs}"
    if wrong := [query for query in seen.queries if query.error]:
        return f"a query of {wrong[0].dashboard} fails: {wrong[0].query} ({wrong[0].error})", f"see monitoring; {logs}"
    full = {query.dashboard for query in seen.queries if query.series}
    if empty := [name for name in wanted if name not in full]:
        return f"nothing to show: {', '.join(empty)}", "see monitoring: which targets are read?"
    return None


CHECK = Check(
    id="dashboards",
    title="Dashboards of Grafana",
    asks="Through the gateway: Grafana answers, refuses who is not signed in and an unknown account, lets in the "
    "administrator, has every planned dashboard, and each query of their panels is answered by Prometheus.",
    fails="Grafana does not reach Prometheus, a dashboard was not loaded, or the password in it is not the vault's.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "listeners", "ports_outside", "tls"),
)

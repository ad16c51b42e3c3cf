"""Judge what was observed against the plan. Pure: the same evidence gives the same results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.models.observation import MachineObservation
from provision.models.observation_web import WebObservation
from provision.models.plan import Plan
from provision.models.report import CheckResult
from provision.verify.checks import CHECKS
from provision.verify.checks import machine_answers as root
from provision.verify.evidence import STACK, Check, Evidence, Verdict
from provision.verify.vram import measure_cards

__all__ = ["judge", "measure_cards"]

_CAUSE_WIDTH = 160


def judge(
    plan: Plan,
    observations: Mapping[str, MachineObservation],
    web: WebObservation,
    absent: Mapping[str, str] | None = None,
) -> tuple[CheckResult, ...]:
    """Every check for every machine it concerns, in the order of the registry. `absent`: why a machine does not answer.

    A failure that an earlier failed check explains is reported as skipped, with that check as the reason; a check
    that passes is never hidden. Nothing is skipped unless something failed.
    """
    evidence = Evidence(plan=plan, machines=observations, web=web, absent=absent or {})
    results: list[CheckResult] = []
    for check in CHECKS:
        for target in check.targets(plan):
            results.extend(_judge_one(check, target, evidence, results))
    return tuple(results)


def _judge_one(check: Check, target: str, evidence: Evidence, earlier: list[CheckResult]) -> Iterator[CheckResult]:
    if check is not root.CHECK and target != STACK and target not in evidence.machines:
        reason = _cause(root.CHECK.id, target, earlier)
        yield _result(check, target, Verdict("skipped", "", reason or "the machine did not answer"))
        return
    for verdict in check.judge(evidence, target):
        reason = next((why for need in check.needs if (why := _cause(need, target, earlier))), None)
        if verdict.status == "failed" and reason:
            verdict = verdict._replace(status="skipped", measured=reason, hint="")
        yield _result(check, target, verdict)


def _cause(need: str, target: str, earlier: list[CheckResult]) -> str | None:
    """The failed check that explains a failure; for the stack as a whole any machine's failure does."""
    for result in earlier:
        concerns = target == STACK or result.machine is None or result.machine == target
        if result.id == need and result.status == "failed" and concerns:
            place = f" on {result.machine}" if result.machine else ""
            first = result.measured.split("\n")[0]
            return f"follows from {result.id}{place}: {first}"[:_CAUSE_WIDTH]
    return None


def _result(check: Check, target: str, verdict: Verdict) -> CheckResult:
    return CheckResult(
        id=check.id,
        title=f"{check.title}, {verdict.about}" if verdict.about else check.title,
        machine=target or None,
        status=verdict.status,
        expected=verdict.expected,
        measured=verdict.measured,
        hint=verdict.hint,
        simulated=verdict.simulated,
        duration_s=verdict.seconds,
    )

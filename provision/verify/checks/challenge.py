"""Can people contest a decision, do its pages ask who reviews and approves, and is nothing else behind them?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation_web import ChallengeObservation
from provision.verify.checks.chat_login import say
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service

SITE = "challenge"
_EXPECTED = "anybody may contest a decision; to review and to approve one has to sign in; nothing else answers there"
_REFUSED = 401
_NOWHERE = 404


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    if not evidence.asks_through(SITE):
        return
    seen = evidence.web.challenge
    if seen is None:
        yield Verdict("failed", _EXPECTED, "not asked", "run provision verify on the controller again")
        return
    problem = _find_problem(seen, evidence)
    if problem:
        yield Verdict("failed", _EXPECTED, *problem)
        return
    who = f"{evidence.plan.routing.reviewers[0]} may" if seen.reviewer else "the profile names nobody who may"
    text = f"/review and /approve HTTP {seen.review.status} without a sign-in, {who} review; "
    yield Verdict("passed", _EXPECTED, f"{text}{len(seen.closed)} other paths HTTP {_NOWHERE}")


def _find_problem(seen: ChallengeObservation, evidence: Evidence) -> tuple[str, str] | None:
    logs = logs_of_service(evidence.plan, "decision_layer")
    if seen.form.status != 200:
        return f"nobody can contest a decision: {say(seen.form)}", logs
    asked = (("to review", seen.review), ("to approve", seen.approve), ("a wrong password", seen.wrong_password))
    for what, step in asked:
        if step.status != _REFUSED:
            return f"{what} is not refused: {say(step)}", f"take the site off the gateway; {logs}"
    for path, step in ((item.path, item.step) for item in seen.closed):
        if step.status != _NOWHERE:
            return f"{path} is behind the site: {say(step)}", "provision up writes the gateway's list of paths again"
    if evidence.plan.routing.reviewers and (seen.reviewer is None or seen.reviewer.status != 200):
        told = say(seen.reviewer) if seen.reviewer else "not asked"
        return (
            f"{evidence.plan.routing.reviewers[0]} cannot review: {told}",
            f"provision up writes the password; {logs}",
        )
    return None


CHECK = Check(
    id="challenge",
    title="Contest a decision",
    asks="Through the gateway: the form to contest a decision answers; /review and /approve refuse who has not signed "
    "in and a wrong password, and /review lets in the profile's first reviewer; /v1, /metrics and /health are 404.",
    fails="The decision layer is down, the password in it is not the vault's, or the gateway lets more than "
    "pages through.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "listeners", "ports_outside", "tls"),
)

"""Does the single sign-on stand before every site, and let nobody in who has not signed in?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation_web import GuardObservation
from provision.verify.checks.chat_login import say
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service

_EXPECTED = "a visitor without a session is sent away, and the health path answers"
_SENT_AWAY = frozenset({301, 302, 303, 307, 308, 401, 403})
_OK = 200


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    if evidence.plan.sign_on is None:
        return
    for site in evidence.plan.sites:
        seen = next((item for item in evidence.web.sign_on if item.site == site.name), None)
        if seen is None:
            yield Verdict("failed", _EXPECTED, "not asked", "run provision verify on the controller again", site.name)
        elif problem := _find_problem(seen, evidence):
            yield Verdict("failed", _EXPECTED, *problem, site.name)
        else:
            measured = f"HTTP {seen.page.status}; chat and workflows behind it are not asked"
            yield Verdict("passed", _EXPECTED, measured, "", site.name)


def _find_problem(seen: GuardObservation, evidence: Evidence) -> tuple[str, str] | None:
    logs = logs_of_service(evidence.plan, "caddy")
    if seen.page.status is not None and seen.page.status >= 500:
        return f"nobody gets in: {say(seen.page)}", f"{logs}; does the sign-on service answer at access.sign_on.url?"
    if seen.page.status not in _SENT_AWAY:
        return f"a visitor without a session gets {say(seen.page)}", f"{logs}; provision up writes its settings again"
    if seen.health is not None and seen.health.status != _OK:
        return f"the health path says {say(seen.health)}", f"{logs}, then those of the site's service"
    return None


CHECK = Check(
    id="sign_on",
    title="Single sign-on",
    asks="Where a single sign-on is planned: each site sends a visitor without a session away; its health path, "
    "where it has one, answers.",
    fails="The sign-on service is down (then nobody gets in), or the gateway does not ask it.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "listeners", "ports_outside", "tls"),
)

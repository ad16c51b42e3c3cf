"""The check that a single sign-on stands before every site."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from provision.models.observation import MachineObservation
from provision.models.observation_web import GuardObservation, WebObservation, WebStep
from provision.models.plan import Plan
from provision.models.profile import SignOn
from provision.models.report import CheckResult
from provision.verify.judge import judge

SIGN_ON = SignOn(url="http://auth.house/verify", addresses=(IPv4Address("10.42.0.99"),))


def results(
    plan: Plan, observations: dict[str, MachineObservation], web: WebObservation, page: int, health: int
) -> tuple[CheckResult, ...]:
    guards = tuple(
        GuardObservation(site=site.name, page=WebStep(status=page), health=WebStep(status=health))
        for site in plan.sites
    )
    asked = {"sign_on": guards, "chat": None, "workflow": None, "document": None}
    return judge(plan.model_copy(update={"sign_on": SIGN_ON}), observations, web.model_copy(update=asked))


@pytest.mark.parametrize("status", [302, 401, 403])
def test_sent_away_is_as_planned_and_what_is_behind_is_not_asked(
    plan: Plan, observations: dict[str, MachineObservation], web: WebObservation, status: int
) -> None:
    checks = results(plan, observations, web, status, 200)
    assert [check for check in checks if check.status != "passed"] == []
    assert {check.id for check in checks} & {"sign_on", "chat_login", "chat_answer", "workflow_run"} == {"sign_on"}


def test_a_site_without_a_health_path_is_judged_by_its_page_alone(
    plan: Plan, observations: dict[str, MachineObservation], web: WebObservation
) -> None:
    def judge_page(status: int) -> set[str]:
        guards = tuple(
            GuardObservation(site=site.name, page=WebStep(status=status), health=None) for site in plan.sites
        )
        asked = {"sign_on": guards, "chat": None, "workflow": None, "document": None}
        checks = judge(plan.model_copy(update={"sign_on": SIGN_ON}), observations, web.model_copy(update=asked))
        return {check.status for check in checks if check.id == "sign_on"}

    assert (judge_page(302), judge_page(200)) == ({"passed"}, {"failed"})


@pytest.mark.parametrize(
    ("page", "health", "said"), [(200, 200, "without a session"), (502, 200, "nobody gets in"), (302, 302, "health")]
)
def test_a_site_that_is_open_or_shut_for_all_fails(
    plan: Plan, observations: dict[str, MachineObservation], web: WebObservation, page: int, health: int, said: str
) -> None:
    failed = [check for check in results(plan, observations, web, page, health) if check.status == "failed"]
    assert {check.id for check in failed} == {"sign_on"}
    assert all(said in check.measured for check in failed)

"""Whom Alertmanager tells: what is refused, and what a receiver opens in the firewall."""

from __future__ import annotations

from typing import Any

import pytest

from provision.catalog import load_catalog
from provision.errors import ErrorGroup, PlanError
from provision.inventory import build_inventory, required_secrets
from provision.models.alerts import Alerts
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan
from provision.planner import build_plan
from provision.profile import load_profile

MAIL = {"to": "it@example.com", "sender": "ai@example.com", "smarthost": "mail.example.com:587", "user": "ai"}
HOOK = {"url": "https://hooks.example.com/alerts", "address": "203.0.113.7"}


def plan_with(**alerts: Any) -> Plan:
    profile = load_profile("sme-2x4090").profile.model_copy(update={"alerts": Alerts.model_validate(alerts)})
    return build_plan(profile, load_catalog(), client="acme", target="live", lab=None)


def test_a_receiver_opens_its_own_address_and_nothing_else() -> None:
    before = {tuple(flow) for flow in plan_with().flows}
    plan = plan_with(mail={**MAIL, "address": "203.0.113.25"}, webhook=HOOK)
    new = [flow for flow in plan.flows if tuple(flow) not in before]
    assert [(flow.source, flow.target, str(flow.address), flow.port) for flow in new] == [
        ("observe", "outside", "203.0.113.25", 587),
        ("observe", "outside", "203.0.113.7", 443),
    ]
    observe = build_inventory(plan, InventoryInput()).host_vars["observe"]
    opened = [(rule["destinations"], rule["port"]) for rule in observe["base_outbound"] if "alerts" in rule["purpose"]]
    assert opened == [(["203.0.113.25/32"], 587), (["203.0.113.7/32"], 443)]
    assert {"address": "203.0.113.25", "names": ["mail.example.com"]} in observe["base_hosts"]
    assert observe["alertmanager_mail"]["smarthost"] == "mail.example.com:587"
    assert {"alerts_mail_password": "given", "alerts_webhook_token": "token"}.items() <= required_secrets(plan).items()


def test_without_an_account_there_is_no_password() -> None:
    plan = plan_with(mail={**MAIL, "smarthost": "192.168.7.25:25", "user": None, "starttls": False})
    assert "alerts_mail_password" not in required_secrets(plan)
    observe = build_inventory(plan, InventoryInput()).host_vars["observe"]
    assert "password" not in observe["alertmanager_mail"]
    assert not [entry for entry in observe["base_hosts"] if entry["address"] == "192.168.7.25"]


@pytest.mark.parametrize(
    ("alerts", "words"),
    [
        ({"mail": MAIL}, "'mail.example.com' is a name, and the machines ask no DNS"),
        ({"webhook": {"url": "http://9.9.9.9/x"}}, "the token for 'http://9.9.9.9/x' would go over the open net"),
        ({"mail": {**MAIL, "address": "192.168.7.25", "starttls": False}}, "is to get a password without TLS"),
        ({"mail": {**MAIL, "smarthost": "192.168.7.25:99999"}}, "there is no port 99999"),
    ],
)
def test_what_cannot_work_is_refused(alerts: dict[str, Any], words: str) -> None:
    with pytest.raises((PlanError, ErrorGroup)) as refused:
        plan_with(**alerts)
    assert words in str(refused.value)

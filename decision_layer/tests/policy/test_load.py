"""A policy file is taken whole, or refused with every fault; the shipped examples hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from decision_layer.policy.load import PolicyError, parse_policy, read_policy

HYBRID = Path(__file__).parents[2] / "examples" / "hybrid-firm.yml"
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yml"))
Change = Callable[[dict[str, Any]], object]


def example() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(HYBRID.read_text())
    return document


def faults_after(change: Change) -> tuple[str, ...]:
    document = example()
    change(document)
    with pytest.raises(PolicyError) as caught:
        parse_policy(yaml.safe_dump(document, sort_keys=False).encode(), "policy.yml")
    return caught.value.faults


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_hold(path: Path) -> None:
    loaded = read_policy(path)
    assert len(loaded.sha256) == 64
    assert loaded.policy.rules[-1].to


FAULTS: dict[str, tuple[Change, str]] = {
    "unknown zone": (lambda d: d["classes"][0]["zones"].append("mars"), "there is no zone mars"),
    "no home": (lambda d: d["zones"][0].update(home=False), "none is home"),
    "higher may go further": (lambda d: d["classes"][2]["zones"].append("us-cloud"), "not allowed for the lower class"),
    "default is public": (lambda d: d.update(default_class="public"), "unlabelled data is not public"),
    "unknown default": (lambda d: d.update(default_class="other"), "there is no class other"),
    "finding without class": (lambda d: d["findings"].update(iban="other"), "findings.iban: there is no class other"),
    "model in no zone": (lambda d: d["models"][0].update(zone="mars"), "models.chat.zone: there is no zone mars"),
    "cloud without tls": (
        lambda d: d["models"][1]["upstream"].update(url="http://api.example.org/v1"),
        "outside the house only https",
    ),
    "authority of nothing": (
        lambda d: d["models"][1]["upstream"].update(authority="-----BEGIN CERTIFICATE-----\nx\n"),
        f"models.{example()['models'][1]['name']}.upstream.authority: it holds no certificate in PEM",
    ),
    "empty authority": (lambda d: d["models"][1]["upstream"].update(authority=""), "no certificate in PEM"),
    "authority without tls": (
        lambda d: d["models"][0]["upstream"].update(authority="ä"),
        "models.chat.upstream.authority: it vouches for nobody, since the url is not https",
    ),
    "rule to nowhere": (lambda d: d["rules"][0]["to"].append("gpt"), "rules.strategy.to: there is no model gpt"),
    "rule for no class": (lambda d: d["rules"][0]["when"]["classes"].append("x"), "there is no class x"),
    "rule without budget": (lambda d: d["rules"][0].update(budget="x"), "there is no budget x"),
    "no rule for everything": (lambda d: d["rules"].pop(), "must hold for everything"),
    "a model called auto": (lambda d: d["models"][0].update(name="auto"), "no model can be named so"),
    "a class twice": (lambda d: d["classes"].append(d["classes"][-1]), "classes: secrecy is there twice"),
    "one key for two": (lambda d: d["clients"][1].update(key="client-open-webui"), "is used twice"),
    "one key for reviewer and approver": (
        lambda d: d.update(reviewers=[{"name": "a", "key": "k"}], approvers=[{"name": "b", "key": "k"}]),
        "reviewers, approvers: a, b have the same key k; each needs their own",
    ),
    "a client's key for an approver": (
        lambda d: d.update(approvers=[{"name": "b", "key": "client-n8n"}]),
        "b, client n8n have the same key client-n8n",
    ),
    "a class that nobody approves": (lambda d: d["classes"][1].update(approval=True), "nobody may give one"),
    "a rule that nobody approves": (lambda d: d["rules"][0].update(approval=True), "nobody may give one"),
    "nobody takes it": (lambda d: d["models"][0].update(storage=None), "classes.art9: no model may take it"),
    "unknown field": (lambda d: d.update(clases=[]), "clases: Extra inputs"),
    "wrong type": (lambda d: d.update(version="one"), "version:"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_told(fault: str) -> None:
    change, expected = FAULTS[fault]
    assert any(expected in line for line in faults_after(change)), faults_after(change)


def test_one_person_may_review_and_approve_since_the_trail_compares_names() -> None:
    document, rita = example(), {"name": "rita", "key": "person-rita"}
    document |= {"reviewers": [rita], "approvers": [rita]}
    assert parse_policy(yaml.safe_dump(document, sort_keys=False).encode(), "policy.yml").policy.approvers


def test_all_faults_come_at_once() -> None:
    def both(document: dict[str, Any]) -> None:
        document["default_class"] = "other"
        document["rules"][0]["to"].append("gpt")

    assert len(faults_after(both)) == 2


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: [", b"- 1\n", b"", b"when: 2026-01-01\n"])
def test_what_is_no_policy_is_an_error(content: bytes) -> None:
    with pytest.raises(PolicyError, match="policy has"):
        parse_policy(content, "policy.yml")

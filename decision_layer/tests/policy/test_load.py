"""A policy file is taken whole, or refused with every fault; the shipped examples hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from decision_layer.policy.load import PolicyError, parse_policy, read_policy
from tests.gateway.running import make_certificate

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
    "one key for two": (
        lambda d: d["clients"][1].update(key="client-open-webui"),
        "keys: client-open-webui is the key of clients.open-webui and of clients.n8n",
    ),
    "a class that nobody approves": (lambda d: d["classes"][1].update(approval=True), "nobody may give one"),
    "a rule that nobody approves": (lambda d: d["rules"][0].update(approval=True), "nobody may give one"),
    "nobody takes it": (lambda d: d["models"][0].update(storage=None), "classes.art9: no model may take it"),
    "password in a url": (
        lambda d: d["models"][1]["upstream"].update(url="https://user:secret@api.mistral.ai/v1"),
        "models.mistral-medium.upstream.url: it has a name or a password",
    ),
    "nothing found means anything": (lambda d: d.update(findings={}), "findings:"),
    "home at a provider": (
        lambda d: d["models"][0]["upstream"].update(url="https://api.openai.com/v1"),
        "models.chat.upstream.url: api.openai.com is no address of the house",
    ),
    "home at a public address": (
        lambda d: d["models"][0]["upstream"].update(url="http://203.0.113.9/v1"),
        "203.0.113.9 is no address of the house",
    ),
    "home at a public address, v6": (
        lambda d: d["models"][0]["upstream"].update(url="http://[2001:db8::1]:8081/v1"),
        "2001:db8::1 is no address of the house",
    ),
    "home at an address in disguise": (
        lambda d: d["models"][0]["upstream"].update(url="http://134744072/v1"),
        "134744072 is no address of the house",
    ),
    "a client's key for a provider": (
        lambda d: d["models"][1]["upstream"].update(key="client-n8n"),
        "keys: client-n8n is the key of clients.n8n and of models.mistral-medium.upstream",
    ),
    "one key for two people": (
        lambda d: d.update(reviewers=[{"name": "a", "key": "k"}], approvers=[{"name": "b", "key": "k"}]),
        "keys: k is the key of person a and of person b",
    ),
    "a person's key for an engine": (
        lambda d: d.update(reviewers=[{"name": "a", "key": "engine"}]),
        "keys: engine is the key of person a and of models.chat.upstream",
    ),
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


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8081/v1",
        "http://[::1]:8081/v1",
        "http://10.20.0.4/v1",
        "http://172.31.0.9/v1",
        "http://192.168.1.7/v1",
        "http://100.64.0.3/v1",
        "http://[fd00::7]:8081/v1",
        "http://localhost/v1",
        "http://engine:8000/v1",
        "http://llm.lan/v1",
        "http://engine.ai.internal/v1",
        "https://llm.home.arpa/v1",
    ],
)
def test_a_home_may_be_at_any_address_of_the_house(url: str) -> None:
    document = example()
    document["models"][0]["upstream"]["url"] = url
    assert parse_policy(yaml.safe_dump(document).encode(), "policy.yml").models["chat"].upstream.url == url


def test_a_home_under_a_public_name_needs_an_authority_of_the_firms_own(tmp_path: Path) -> None:
    document = example()
    upstream = document["models"][0]["upstream"]
    upstream["url"] = "https://llm.kanzlei-muster.example/v1"
    with pytest.raises(PolicyError, match="no address of the house"):
        parse_policy(yaml.safe_dump(document).encode(), "policy.yml")
    upstream["authority"] = make_certificate(tmp_path).read_text().split("-----BEGIN PRIVATE")[0]
    assert parse_policy(yaml.safe_dump(document).encode(), "policy.yml").models["chat"].upstream.authority


def test_one_provider_for_two_models_and_one_person_in_two_roles_have_one_key() -> None:
    document = example()
    document["models"].append({**document["models"][1], "name": "other"})
    document |= {role: [{"name": "ada", "key": "person-ada"}] for role in ("reviewers", "approvers")}
    parse_policy(yaml.safe_dump(document).encode(), "policy.yml")


@pytest.mark.parametrize(
    ("here", "again", "told"),
    [
        ('  "dk.*": personal\n', '  "dk.*": public\n', "dk.* is there twice"),
        ("opaque: confidential\n", "opaque: public\n", "opaque is there twice"),
        ("default_class: internal\n", "findings: {}\n", "findings is there twice"),
    ],
)
def test_a_key_that_stands_twice_is_no_policy(here: str, again: str, told: str) -> None:
    text = HYBRID.read_text()
    assert here in text
    with pytest.raises(PolicyError, match=re.escape(told)):
        parse_policy(text.replace(here, here + again).encode(), "policy.yml")


def test_a_policy_that_was_in_use_is_read_by_what_was_asked_of_it_then() -> None:
    text = HYBRID.read_text().replace("opaque: confidential\n", "opaque: public\nopaque: confidential\n").encode()
    with pytest.raises(PolicyError):
        parse_policy(text, "policy.yml")
    assert parse_policy(text, "policy.yml", former=True).policy.opaque == "confidential"

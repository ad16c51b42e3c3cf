"""explain runs the code that routes, and says what would have changed the outcome."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from decision_layer.cli import main
from decision_layer.parts import Finding
from decision_layer.policy.decide import Facts, decide
from decision_layer.policy.explain import counterfactuals, describe, tell
from decision_layer.policy.load import parse_policy, read_policy

EXAMPLE = Path(__file__).parents[2] / "examples" / "hybrid-firm.yml"
POLICY = read_policy(EXAMPLE)


def test_a_found_iban_has_its_counterfactual() -> None:
    facts = Facts(endpoint="chat", label="public", task="strategy", findings=(Finding("iban", 2),))
    lines = [describe(other) for other in counterfactuals(POLICY, facts, decide(POLICY, facts))]
    assert (
        "had the text not held iban, it would have been public and it would have gone to claude-opus by rule strategy"
        in lines
    )


@pytest.mark.parametrize(
    "facts",
    [
        Facts(endpoint="chat", doubt="a content part of type x", conversation="secrecy"),
        Facts(endpoint="chat", label="secrecy", findings=(Finding("secrecy.professional", 1),)),
        Facts(endpoint="chat", label="secrecy", conversation="secrecy"),
        Facts(endpoint="chat", label="no-such", opaque=True, doubt="x", second="secrecy", conversation="gone"),
        Facts(
            endpoint="chat", findings=(Finding("secrecy.professional", 1),), conversation="secrecy", second="secrecy"
        ),
        Facts(endpoint="chat", client_label="secrecy", doubt="x", findings=(Finding("new", 1),)),
    ],
)
def test_reasons_that_come_together_have_a_counterfactual_too(facts: Facts) -> None:
    """None of them alone would have changed anything."""
    others = counterfactuals(POLICY, facts, decide(POLICY, facts))
    assert others
    assert all(other.data_class != "secrecy" for other in others)


def test_where_single_changes_only_raise_the_fewest_that_lower_are_told() -> None:
    facts = Facts(endpoint="chat", label="public", task="code", findings=(Finding("iban", 1),), conversation="personal")
    told = {other.change: other for other in counterfactuals(POLICY, facts, decide(POLICY, facts))}
    assert told["had it been labelled art9"].data_class == "art9"
    lower = told["had neither content nor conversation given a reason"]
    assert (lower.data_class, lower.model) == ("public", "claude-opus")


@pytest.mark.parametrize(
    ("more", "change"),
    [
        ({"spent": ("cloud",)}, "had budget cloud not been spent"),
        ({"asked": "mistral-medium"}, "had auto been asked for"),
        ({"asked": "nope"}, "had auto been asked for"),
        ({"may_name": ("chat",), "asked": "mistral-medium"}, "had auto been asked for"),
    ],
)
def test_what_else_decided_is_varied_too(more: dict[str, Any], change: str) -> None:
    facts = Facts(endpoint="chat", label="public", task="strategy", **more)
    (other,) = [o for o in counterfactuals(POLICY, facts, decide(POLICY, facts)) if o.change == change]
    assert (other.data_class, other.model) == ("public", "claude-opus")


def test_a_second_persons_word_and_the_length_are_varied() -> None:
    document = yaml.safe_load(EXAMPLE.read_text())
    document["classes"][1]["approval"] = True
    document["approvers"] = [{"name": "paul", "key": "person-paul"}]
    document["models"][1]["context"] = 100
    loaded = parse_policy(yaml.safe_dump(document).encode(), "policy.yml")
    facts = Facts(endpoint="chat", task="marketing", chars=100)
    changes = {o.change: o.model for o in counterfactuals(loaded, facts, decide(loaded, facts))}
    assert changes["had a second person approved it"] == "mistral-medium"
    long = Facts(endpoint="chat", task="marketing", chars=10_000, approved=True)
    changes = {o.change: o.model for o in counterfactuals(loaded, long, decide(loaded, long))}
    assert changes["had the text been short"] == "mistral-medium"
    assert changes.get("had no second person approved it", "chat") == "chat"


def test_the_words_name_class_rule_and_every_candidate() -> None:
    facts = Facts(endpoint="chat", label="internal", task="communication")
    text = "\n".join(tell(POLICY, facts, decide(POLICY, facts)))
    for part in (
        "label internal",
        "communication: Drafts",
        "mistral-medium (eu-cloud): may answer",
        "goes to mistral-medium",
    ):
        assert part in text


def test_the_command_tells_and_exits_as_it_decided(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(EXAMPLE), "--label", "public", "--task", "research"]) == 0
    assert "goes to claude-opus" in capsys.readouterr().out
    assert main(["explain", str(EXAMPLE), "--model", "claude-opus", "--finding", "art9.health", "--json"]) == 1
    seen = json.loads(capsys.readouterr().out)
    assert seen["decision"]["data_class"] == "art9"
    assert seen["decision"]["candidates"][0]["refused"].startswith("zone:")


def test_a_bad_policy_is_told_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "policy.yml"
    bad.write_text(EXAMPLE.read_text().replace("default_class: internal", "default_class: nobody"))
    assert main(["check", str(bad)]) == 3
    assert "there is no class nobody" in capsys.readouterr().err
    assert main(["check", str(EXAMPLE)]) == 0


def test_the_schema_is_one_and_takes_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(yaml.safe_load(EXAMPLE.read_text()))

"""explain runs the code that routes, and says what would have changed the outcome."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from decision_layer.cli import main
from decision_layer.parts import Finding
from decision_layer.policy.decide import Facts, decide
from decision_layer.policy.explain import counterfactuals, describe, tell
from decision_layer.policy.load import read_policy

EXAMPLE = Path(__file__).parents[2] / "examples" / "hybrid-firm.yml"
POLICY = read_policy(EXAMPLE)


def test_a_found_iban_has_its_counterfactual() -> None:
    facts = Facts(endpoint="chat", label="public", task="strategy", findings=(Finding("iban", 2),))
    lines = [describe(other) for other in counterfactuals(POLICY, facts, decide(POLICY, facts))]
    assert (
        "had the text not held iban, it would have been public and it would have gone to claude-opus by rule strategy"
        in lines
    )


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

"""The shipped examples: the schema file, and the decision matrix row by row, by the command that people use."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path

import jsonschema
import pytest
import yaml

from decision_layer.cli import main
from decision_layer.policy.load import read_policy

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yml"))
MATRIX = ROOT / "examples" / "decision-matrix.yml"
SCHEMA = ROOT / "docs" / "policy.schema.json"

# task, label, the rule, who may answer in this order.
ROWS = (
    ("classification", "personal", "extraction", ["mistral-small"]),
    ("email", "internal", "high-volume-text", ["mistral-small"]),
    ("vendor-risk", "internal", "contract-clauses", ["mistral-small", "mistral-medium"]),
    ("vendor-risk", "confidential", "contract-clauses", ["mistral-small"]),
    ("equality", "public", "legal-reasoning", ["gpt-oss-120b", "claude-opus"]),
    ("equality", "art9", "legal-reasoning", ["gpt-oss-120b"]),
    ("code", "public", "code-cloud", ["claude-opus", "gpt-5.5", "qwen3-coder"]),
    ("code", "internal", "code-sovereign", ["qwen3-coder"]),
    ("office", "public", "office-integration", ["gpt-5.5", "mistral-small"]),
    ("office", "internal", "office-integration", ["mistral-small"]),
    ("agent", "public", "agents", ["gpt-5.5", "claude-opus", "gpt-oss-120b"]),
    ("agent", "personal", "agents", ["gpt-oss-120b"]),
    ("finance", "public", "finance", ["deepseek-v4-flash", "deepseek-v4-pro"]),
    ("finance", "internal", "finance", ["deepseek-v4-flash"]),
    ("corpus", "confidential", "large-corpora", ["llama4-scout"]),
    ("multimodal", "public", "multimodal", ["gemini-3.1-pro", "mistral-small"]),
    ("chatbot", "internal", "chatbot", ["mistral-small"]),
    ("premium", "public", "premium-feature", ["claude-opus", "gpt-5.5", "mistral-small"]),
    ("premium", "personal", "premium-feature", ["mistral-small"]),
    ("", "public", "otherwise", ["mistral-small"]),
)


def test_the_schema_file_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert SCHEMA.read_text() == capsys.readouterr().out, "decision-layer schema > docs/policy.schema.json"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_passes_the_check_and_the_schema(path: Path) -> None:
    assert main(["check", str(path)]) == 0
    jsonschema.validate(yaml.safe_load(path.read_text()), json.loads(SCHEMA.read_text()))


def test_the_schema_refuses_what_the_check_refuses() -> None:
    document = yaml.safe_load(MATRIX.read_text())
    document["second_stage"] = {"model": "mistral-small", "when": "sometimes"}
    with pytest.raises(jsonschema.ValidationError, match="sometimes"):
        jsonschema.validate(document, json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize(("task", "label", "rule", "chain"), ROWS, ids=lambda value: str(value))
def test_each_row_of_the_matrix_is_explained(
    task: str, label: str, rule: str, chain: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(MATRIX), "--task", task, "--label", label, "--json"]) == 0
    decision = json.loads(capsys.readouterr().out)["decision"]
    answering = [item["model"] for item in decision["candidates"] if not item["refused"]]
    assert (decision["rule"], answering) == (rule, chain)


def test_every_rule_has_its_row() -> None:
    assert {row[2] for row in ROWS} == {rule.name for rule in read_policy(MATRIX).policy.rules}


def test_a_finding_keeps_a_row_at_home_whatever_its_label(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(MATRIX), "--task", "code", "--label", "public", "--finding", "dk.cpr", "--json"]) == 0
    decision = json.loads(capsys.readouterr().out)["decision"]
    assert (decision["data_class"], decision["rule"]) == ("personal", "code-sovereign")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_names_every_kind_that_the_detectors_find(example: Path) -> None:
    """A kind without a class counts as the highest: safe, and not what the example means."""
    policy = read_policy(example).policy
    kinds = {
        kind
        for file in (ROOT / "tests" / "data").glob("*.jsonl")
        for line in file.read_text().splitlines()
        for kind in json.loads(line)["kinds"]
    }
    assert "dob" in kinds
    assert {kind for kind in kinds if not any(fnmatch(kind, pattern) for pattern in policy.findings)} == set()

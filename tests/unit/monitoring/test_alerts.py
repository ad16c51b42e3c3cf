"""The alert rules: those that the checks ask for, and promtool's own verdict where Debian's package is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from provision.models.monitoring import ALERTS

FILES = Path(__file__).resolve().parents[3] / "roles/prometheus/files"
RULES = [
    rule
    for group in yaml.safe_load((FILES / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]


def test_the_checks_ask_for_every_rule_and_no_other() -> None:
    assert sorted(rule["alert"] for rule in RULES) == sorted(ALERTS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_a_rule_says_how_bad_it_is_what_happened_and_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]


def test_every_rule_is_raised_in_promtools_tests() -> None:
    tests = yaml.safe_load((FILES / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    raised = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]}
    assert raised == set(ALERTS)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here; the Molecule scenario runs it")
def test_promtool_agrees() -> None:
    command = ["promtool", "test", "rules", str(FILES / "alerts_test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=FILES)
    assert done.returncode == 0, done.stdout + done.stderr

"""What comes back from the gateway, and what is said where nothing does. The real copy is tested on the lab's stack."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from provision.cli.main import run
from provision.errors import SetupError
from provision.models.plan import Plan
from provision.pipeline import evidence_gateway
from provision.runner.workspace import Workspace
from tests.unit.papers.conftest import LAB, LAYER_PYTHON, LogMaker

COMMAND = ["evidence", "--profile", "sme-2x4090", "--lab", "--gateway"]


def fetch(monkeypatch: pytest.MonkeyPatch, program: str) -> bytes:
    """With a program in the place of ssh."""
    monkeypatch.setattr(evidence_gateway, "ssh_to", lambda *_: [sys.executable, "-c", program])
    plan = Plan.model_validate_json((LAB / "plan.json").read_text())
    return evidence_gateway._fetch(plan, "gateway")


def test_the_script_goes_by_standard_input_and_its_output_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    given = fetch(monkeypatch, "import sys; sys.stdout.write(sys.stdin.read())").decode()
    compile(given, "script", "exec")
    assert "keys.sqlite" not in given


def test_the_copy_of_a_real_log_verifies(make_log: LogMaker, tmp_path: Path) -> None:
    """The gateway's script with this machine's paths in the place of the gateway's."""
    audit, second, public_key = make_log([("public", "chat", 2)])
    policy, program = tmp_path / "policy.yml", LAYER_PYTHON.with_name("decision-layer")
    policy.write_text("policy")
    script = evidence_gateway._SCRIPT
    for theirs, ours in (
        ("/var/lib/decision-layer-checkpoints", second),
        ("/etc/decision-layer/policy.yml", policy),
        ("/opt/decision-layer/current/bin/decision-layer", program),
    ):
        assert theirs in script
        script = script.replace(theirs, str(ours))
    done = subprocess.run([LAYER_PYTHON, "-I", "-", audit], input=script.encode(), capture_output=True, check=True)
    to = tmp_path / "to"
    evidence_gateway._unpack(done.stdout, to, "gateway")
    assert sorted(path.name for path in (to / "audit").iterdir()) == [
        "audit.sqlite",
        "checkpoints.jsonl",
        "latest.json",
    ]
    places: list[str | Path] = [
        "--directory",
        to / "audit",
        "--second-place",
        to / "second",
        "--public-key",
        public_key,
    ]
    said = subprocess.run([program, "audit", "verify", *places], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout.split(":")[0]) == (0, "whole"), said.stdout


def test_what_went_wrong_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SetupError, match="cannot be copied: no such database"):
        fetch(monkeypatch, "import sys; sys.exit('no such database')")


def test_an_archive_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../outside"), io.BytesIO())
    folder = tmp_path / "in"
    folder.mkdir()
    for content in (stream.getvalue(), b"no archive"):
        with pytest.raises(SetupError, match="is no archive"):
            evidence_gateway._unpack(content, folder, "gateway")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_two_sources_are_one_too_many(stack: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*COMMAND, "--policy", "policy.yml"]) == 2
    assert "from elsewhere too" in capsys.readouterr().err


def test_a_stack_without_a_decision_layer_has_no_log(stack: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    plan = json.loads(stack.plan_file.read_text())
    plan["services"] = [service for service in plan["services"] if service["name"] != "decision_layer"]
    stack.plan_file.write_text(json.dumps(plan))
    assert run(COMMAND) == 2
    assert "has no decision layer" in capsys.readouterr().err

"""A stack as `up` leaves it: its plan, its signing key and a receipt of the healthy fixtures; and a real audit log."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provision.models.observation_web import WebObservation
from provision.models.plan import Plan
from provision.models.report import StageTime
from provision.papers.policy_file import read_policy
from provision.pipeline.evidence import Given, Made, make_papers
from provision.pipeline.options import Options
from provision.places import REPOSITORY
from provision.runner.workspace import Workspace, write_private
from provision.verify.judge import judge, measure_cards
from provision.verify.observe import parse_observation
from provision.verify.receipt import build_receipt, load_or_create_signing_key, sign_receipt

LAB = REPOSITORY / "tests" / "fixtures" / "sme-2x4090-lab"
POLICY = REPOSITORY / "decision_layer" / "examples" / "hybrid-firm.yml"
OPTIONS = Options(profile="sme-2x4090", lab=True)
LAYER_PYTHON = REPOSITORY / "decision_layer" / ".venv" / "bin" / "python"
LogMaker = Callable[[list[tuple[str, str, int]]], tuple[Path, Path, str]]


def write_stack(home: Path) -> Workspace:
    """The client 'sme-2x4090' of the lab below a PROVISION_HOME."""
    plan = Plan.model_validate_json((LAB / "plan.json").read_text())
    seen = {m.name: parse_observation(m.name, (LAB / f"{m.name}.json").read_text()) for m in plan.machines}
    web = WebObservation.model_validate_json((LAB / "web.json").read_text())
    workspace = Workspace(client_folder=home / "clients" / "sme-2x4090", target="lab")
    workspace.receipts.mkdir(parents=True, mode=0o700)
    write_private(workspace.plan_file, plan.model_dump_json(indent=2) + "\n")
    receipt = build_receipt(
        plan,
        judge(plan, seen, web),
        measure_cards(plan, seen),
        receipt_id="20261130T040000Z-ab12",
        created=datetime(2026, 11, 30, 4, tzinfo=UTC),
        version="0.1.0",
        stages=(StageTime(stage="verify", seconds=12.5),),
    )
    signed = sign_receipt(receipt, load_or_create_signing_key(workspace.signing_key))
    write_private(workspace.receipts / f"{receipt.id}.json", signed.model_dump_json(indent=2) + "\n")
    return workspace


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    return write_stack(tmp_path / "home")


@pytest.fixture
def make_log(tmp_path: Path) -> LogMaker:
    """A log of the given ways; its folder, the other place and its public key."""

    def make(routes: list[tuple[str, str, int]]) -> tuple[Path, Path, str]:
        directory, second = tmp_path / "audit", tmp_path / "second"
        directory.mkdir()
        second.mkdir()
        program = Path(__file__).with_name("audit_log_program.py")
        argv = [str(program), str(directory), str(second), read_policy(POLICY).sha256, json.dumps(routes)]
        done = subprocess.run([str(LAYER_PYTHON), *argv], check=True, capture_output=True, text=True)
        return directory, second, done.stdout.strip()

    return make


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """All papers with the example policy, and without answers."""
    home = tmp_path_factory.mktemp("home")
    write_stack(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVISION_HOME", str(home))
        return make_papers(OPTIONS, Given(policy=POLICY))

"""What runs by itself on the record of decisions: verification always, retention where the profile names days."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from provision.errors import ErrorGroup, ProfileError
from provision.inventory import build_inventory
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan

PlanOf = Callable[..., Plan]
ROOT = Path(__file__).parents[3]
ROLE = ROOT / "roles" / "decision_layer"
DATABASE, DAYS = "routing.audit=postgresql", "routing.retain_days=400"
PARSE = (
    "import argparse, json, sys; from decision_layer.audit.audit_cli import add_parser\n"
    "parser = argparse.ArgumentParser(); add_parser(parser.add_subparsers())\n"
    "print(json.dumps({name: str(value) for name, value in vars(parser.parse_args(sys.argv[1:])).items()}))\n"
)


def files_of(plan: Plan, machine: str = "gateway") -> dict[str, str]:
    """What the role writes, by the file's name."""
    own = [yaml.safe_load((ROLE / part / "main.yml").read_text()) for part in ("defaults", "vars")]
    values: dict[str, Any] = {**own[0], **own[1], **build_inventory(plan, InventoryInput()).host_vars[machine]}
    values["decision_layer_keys"] = []
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701
    environment.filters["to_json"] = json.dumps

    def render(name: str) -> str:
        return environment.from_string((ROLE / "templates" / name).read_text()).render(values)

    environment.globals["lookup"] = lambda _, name: render(name)
    return {Path(entry["path"]).name: entry["content"] for entry in yaml.safe_load(render("files.yml.j2"))}


def command_of(unit: str) -> list[str]:
    """ExecStart as systemd reads it, with the folder of the credentials."""
    joined = unit.replace("\\\n", " ")
    (line,) = (line for line in joined.splitlines() if line.startswith("ExecStart="))
    return shlex.split(line.removeprefix("ExecStart=").replace("%d", "/run/credentials/unit"))


def parsed(words: list[str]) -> dict[str, str]:
    python = ROOT / "decision_layer" / ".venv" / "bin" / "python"
    done = subprocess.run([python, "-c", PARSE, *words], check=True, capture_output=True, text=True)
    said: dict[str, str] = json.loads(done.stdout)
    return said


def test_without_days_nothing_is_removed(plan_of: PlanOf) -> None:
    files = files_of(plan_of())
    assert [name for name in files if "retain" in name] == []
    assert {"decision-layer-verify.service", "decision-layer-verify.timer"} <= set(files)


@pytest.mark.parametrize("more", [[], [DATABASE]], ids=["sqlite", "postgresql"])
def test_the_units_ask_what_the_program_knows(plan_of: PlanOf, more: list[str]) -> None:
    files = files_of(plan_of("sme-2x4090", DAYS, *more))
    for verb in ("verify", "retain"):
        unit = files[f"decision-layer-{verb}.service"]
        program, *words = command_of(unit)
        assert program == "/opt/decision-layer/current/bin/decision-layer"
        said = parsed(words)
        assert said["directory"] == "/var/lib/decision-layer/audit"
        assert said["second_place"] == "/var/lib/decision-layer-checkpoints"
        assert said["key"] == "/run/credentials/unit/audit"
        assert ("LoadCredential=audit_database:" in unit) == bool(more)
        assert (said["password_file"] == "/run/credentials/unit/audit_database") == bool(more)
        assert said["postgresql"].startswith("postgresql://decision_layer@10.") == bool(more)
        assert ("AF_INET" in unit) == bool(more)
    assert said["days"] == "400"
    assert "OnCalendar=*-*-* 02:40:00" in files["decision-layer-retain.timer"]


def test_the_verification_writes_what_the_metrics_read_and_nothing_else(plan_of: PlanOf) -> None:
    unit = files_of(plan_of())["decision-layer-verify.service"]
    note = Path(parsed(command_of(unit)[1:])["note"])
    assert f"ReadWritePaths={note.parent}\n" in unit
    assert unit.count("ReadWritePaths=") == 1
    assert "ProtectSystem=strict" in unit
    python = ROOT / "decision_layer" / ".venv" / "bin" / "python"
    known = "from decision_layer.audit.verified import LAST; print(LAST)"
    told = subprocess.run([python, "-c", known], check=True, capture_output=True, text=True).stdout.strip()
    assert note == Path("/var/lib/decision-layer") / told


def test_the_plan_says_that_both_places_are_on_one_machine(plan_of: PlanOf) -> None:
    (said,) = (finding for finding in plan_of().findings if "checkpoints" in finding.what)
    assert (said.severity, "'gateway'" in said.what) == ("note", True)
    assert "## A place off the machine" in (ROOT / "docs" / "routing.md").read_text()


def test_six_months_are_the_least(plan_of: PlanOf) -> None:
    with pytest.raises((ProfileError, ErrorGroup)) as refused:
        plan_of("sme-2x4090", "routing.retain_days=183")
    assert "184" in str(refused.value)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_the_units_are_as_hardened_as_the_gateways(plan_of: PlanOf, tmp_path: Path) -> None:
    for name, text in files_of(plan_of("sme-2x4090", DAYS, DATABASE)).items():
        if name.endswith(".service"):
            (tmp_path / name).write_text(text)
            words = [
                "systemd-analyze",
                "security",
                "--offline=true",
                "--threshold=20",
                "--no-pager",
                f"{tmp_path / name}",
            ]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout[-200:] + done.stderr

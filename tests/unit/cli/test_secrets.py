"""`provision secrets`: no value but the one that is asked for, exit codes, three-line errors."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from provision.cli.main import run
from provision.inventory import required_secrets
from provision.models.plan import Plan
from provision.runner.secrets import ensure_secrets, read_secrets
from provision.runner.workspace import open_workspace

Captured = pytest.CaptureFixture[str]
FIXTURE = Path(__file__).parents[2] / "fixtures" / "sme-2x4090-lab" / "plan.json"
PLAN = Plan.model_validate_json(FIXTURE.read_bytes())
CHOICE = ["--client", PLAN.client, "--lab"]


@pytest.fixture
def values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    workspace = open_workspace(tmp_path, PLAN.client, "lab")
    workspace.plan_file.write_text(PLAN.model_dump_json())
    workspace.client_file.write_text("profile: sme-2x4090\n")
    return ensure_secrets(workspace, required_secrets(PLAN))


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_show_has_every_name_and_no_value(values: dict[str, str], form: list[str], capsys: Captured) -> None:
    assert run(["secrets", "show", *CHOICE, *form]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in values)
    assert not any(value in shown for value in values.values())


def test_reveal_prints_the_one_that_is_named(values: dict[str, str], capsys: Captured) -> None:
    assert run(["secrets", "show", *CHOICE, "--reveal", "n8n_webhook_key"]) == 0
    assert capsys.readouterr().out.strip() == values["n8n_webhook_key"]
    assert run(["secrets", "show", *CHOICE, "--reveal", "n8n_webhook_key", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "n8n_webhook_key", "value": values["n8n_webhook_key"]}


@pytest.mark.parametrize("arguments", [["show", "--reveal", "nothing"]])
def test_an_unknown_name_is_a_usage_error(values: dict[str, str], arguments: list[str], capsys: Captured) -> None:
    assert run(["secrets", *arguments, *CHOICE]) == 2
    assert "provision secrets show lists them" in capsys.readouterr().err


def test_without_a_vault_the_next_step_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    assert run(["secrets", "show", "--profile", "sme-2x4090", "--lab"]) == 5
    assert "provision up makes them" in capsys.readouterr().err


def test_set_takes_only_what_somebody_else_makes(
    values: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("canary-from-the-provider\n"))
    assert run(["secrets", "set", "n8n_webhook_key", "--profile", "sme-2x4090", "--lab"]) == 2
    assert "is no secret that somebody else makes" in capsys.readouterr().err
    profile = tmp_path / "rig.yml"
    oidc = "{issuer: 'https://login.example.com', addresses: [203.0.113.7], client_id: chat}"
    profile.write_text(f"extends: sme-2x4090\nname: rig\nsign_in: {oidc}\n")
    chosen = ["--profile", str(profile)]
    for text, code in (("", 2), ("a\nb", 2), ("canary-from-the-provider\n", 0)):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        assert run(["secrets", "set", "open_webui_oidc_client_secret", *chosen]) == code
    assert "canary" not in "".join(capsys.readouterr())
    kept = read_secrets(open_workspace(tmp_path, "rig", "live"))
    assert kept == {"open_webui_oidc_client_secret": "canary-from-the-provider"}

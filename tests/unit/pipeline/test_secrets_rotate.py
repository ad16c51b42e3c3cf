"""A rotation ends with the new values proven or the old ones in force; what would be lost is never lost by accident."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bcrypt
import pytest

from provision.errors import ErrorGroup, ExitCode, RunError, RunInterruptedError, UsageError
from provision.inventory import required_secrets
from provision.models.plan import Plan
from provision.pipeline import secrets_rotate
from provision.pipeline.options import Options
from provision.pipeline.secrets import known_kinds, reveal_secret, show_secrets
from provision.pipeline.secrets_rotate import choose_names, rotate_secrets
from provision.runner.rotation import read_rotation
from provision.runner.secrets import ensure_secrets, keep_secret, read_secrets
from provision.runner.workspace import Workspace, open_workspace

FIXTURE = Path(__file__).parents[2] / "fixtures" / "sme-2x4090-lab" / "plan.json"
PLAN = Plan.model_validate_json(FIXTURE.read_bytes())
OPTIONS = Options(profile="sme-2x4090", client=PLAN.client, lab=True)
KINDS = known_kinds(PLAN)


def silent(_: object) -> None:
    """No progress is looked at here."""


class World:
    """What the machines have, as far as a run brought them there, and the password in Open WebUI's database."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.applied = read_secrets(workspace)
        self.admin = self.applied["open_webui_admin_password"]
        self.fails: list[Exception | None] = []
        self.passes = True
        self.changes: tuple[str, ...] = ()

    def bring_up(self, _options: Options, _report: object, confirm: Callable[..., bool]) -> Any:
        assert confirm(PLAN, None)
        failure = self.fails.pop(0) if self.fails else None
        if failure:
            raise failure
        self.applied = read_secrets(self.workspace)
        return SimpleNamespace(verified=SimpleNamespace(passed=self.passes, receipt_file="receipt"))

    def set_admin(self, _workspace: Workspace, _plan: Plan, wanted: str, other: str) -> None:
        assert self.admin in {wanted, other}
        self.admin = wanted

    def agrees(self) -> bool:
        vault = read_secrets(self.workspace)
        return self.applied == vault and self.admin == vault["open_webui_admin_password"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    workspace = open_workspace(tmp_path, PLAN.client, "lab")
    workspace.client_file.write_text("profile: sme-2x4090\n")
    workspace.plan_file.write_text(PLAN.model_dump_json())
    ensure_secrets(workspace, required_secrets(PLAN))
    keep_secret(workspace, "proxmox_token", "11111111-2222-3333-4444-555555555555")
    world = World(workspace)
    monkeypatch.setattr(secrets_rotate, "make_plan", lambda _: SimpleNamespace(changes=world.changes))
    monkeypatch.setattr(secrets_rotate, "bring_up", world.bring_up)
    monkeypatch.setattr(secrets_rotate, "set_admin_password", world.set_admin)
    return world


def rotate(*names: str, agree: bool = True, **choices: bool) -> tuple[str, ...]:
    return rotate_secrets(OPTIONS, names, silent, lambda _: agree, **choices)[0]


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> set[str]:
    return {name for name in one if one[name] != other[name]}


def test_only_the_named_ones_and_what_follows_from_them_change(world: World) -> None:
    before = read_secrets(world.workspace)
    changed = rotate("n8n_owner_password")
    after = read_secrets(world.workspace)
    assert differing(before, after) == set(changed) == {"n8n_owner_password", "n8n_owner_password_hash"}
    assert bcrypt.checkpw(after["n8n_owner_password"].encode(), after["n8n_owner_password_hash"].encode())
    assert world.agrees()
    assert read_rotation(world.workspace) is None


def test_all_leaves_out_what_would_lose_something(world: World) -> None:
    before = read_secrets(world.workspace)
    rotate(every=True)
    kept = {name for name in before if name not in differing(before, read_secrets(world.workspace))}
    assert kept == {"n8n_encryption_key", "open_webui_secret_key", "proxmox_token"}
    assert world.agrees()


@pytest.mark.parametrize("accept_loss", [False, True])
def test_the_encryption_key_of_n8n_is_refused_whatever_is_said(world: World, accept_loss: bool) -> None:
    before = world.workspace.secrets_file.read_bytes()
    with pytest.raises(ErrorGroup, match="never this one") as caught:
        rotate("n8n_encryption_key", accept_loss=accept_loss)
    assert caught.value.exit_code == ExitCode.USAGE
    assert world.workspace.secrets_file.read_bytes() == before


def test_a_loss_has_to_be_accepted_by_name(world: World) -> None:
    with pytest.raises(ErrorGroup) as caught:
        rotate("open_webui_secret_key")
    assert "--accept-loss" in str(caught.value)
    assert rotate("open_webui_secret_key", accept_loss=True) == ("open_webui_secret_key",)


@pytest.mark.parametrize("failure", ["run", "check"])
def test_a_failed_rotation_leaves_the_old_values_in_force(world: World, failure: str) -> None:
    before = read_secrets(world.workspace)
    if failure == "run":
        world.fails = [RunError("the task failed", where="apps", hint="log")]
    else:
        world.passes = False
    with pytest.raises(ErrorGroup) as caught:
        rotate(every=True)
    assert caught.value.exit_code == ExitCode.RUN_FAILED
    assert read_secrets(world.workspace) == before
    assert world.agrees()
    assert not any(value in str(caught.value) for value in before.values())


def test_an_interrupted_rotation_goes_on_with_the_same_values(world: World) -> None:
    world.fails = [RunInterruptedError("interrupted", where="log", hint="again")]
    with pytest.raises(RunInterruptedError):
        rotate("open_webui_admin_password")
    made = read_secrets(world.workspace)
    with pytest.raises(UsageError, match="not finished"):
        rotate("n8n_webhook_key")
    rotate("open_webui_admin_password")
    assert read_secrets(world.workspace) == made
    assert world.agrees()
    assert read_rotation(world.workspace) is None


def test_where_not_even_the_old_values_could_be_applied_no_value_is_lost(world: World) -> None:
    before = read_secrets(world.workspace)
    world.fails = [RunError("failed", where="apps", hint="log")] * 2
    with pytest.raises(ErrorGroup) as caught:
        rotate("open_webui_admin_password")
    assert str(world.workspace.rotation_file) in str(caught.value)
    kept = read_rotation(world.workspace)
    assert kept is not None
    assert kept.before == before
    rotate("n8n_webhook_key")
    assert differing(before, read_secrets(world.workspace)) == {"n8n_webhook_key"}
    assert world.agrees()


def test_nothing_changes_unasked_or_with_another_plan(world: World) -> None:
    before = world.workspace.secrets_file.read_bytes()
    with pytest.raises(UsageError, match="not confirmed"):
        rotate("n8n_webhook_key", agree=False)
    world.changes = ("something",)
    with pytest.raises(UsageError, match="profile has changed"):
        rotate("n8n_webhook_key")
    assert world.workspace.secrets_file.read_bytes() == before


@pytest.mark.parametrize(("names", "every"), [((), False), (("n8n_webhook_key",), True)])
def test_names_or_all(names: tuple[str, ...], every: bool) -> None:
    with pytest.raises(UsageError):
        choose_names(KINDS, names, every=every, accept_loss=False)


def test_show_has_no_value_and_reveal_has_one(world: World) -> None:
    known = read_secrets(world.workspace)
    host_vars = world.workspace.inventory / "host_vars"
    host_vars.mkdir(parents=True)
    (host_vars / "apps.yml").write_text('n8n_webhook_key: "{{ provision_secrets.n8n_webhook_key }}"\n')
    shown = show_secrets(OPTIONS)
    assert {secret.name for secret in shown.secrets} == set(known)
    assert not any(value in shown.model_dump_json() for value in known.values())
    facts = {secret.name: secret for secret in shown.secrets}
    assert facts["n8n_webhook_key"].used_by == ("n8n",)
    assert facts["n8n_webhook_key"].age_days == 0
    assert {name: fact.rotation for name, fact in facts.items() if fact.rotation != "yes"} == {
        "n8n_encryption_key": "no",
        "n8n_owner_password_hash": "no",
        "open_webui_secret_key": "loss",
        "proxmox_token": "no",
    }
    assert reveal_secret(OPTIONS, "n8n_webhook_key") == known["n8n_webhook_key"]
    with pytest.raises(UsageError):
        reveal_secret(OPTIONS, "nothing")


def test_both_sides_lie_sealed(world: World) -> None:
    world.fails = [RunInterruptedError("interrupted", where="log", hint="again")]
    before = read_secrets(world.workspace)
    with pytest.raises(RunInterruptedError):
        rotate(every=True)
    values = {*before.values(), *read_secrets(world.workspace).values()}
    for file in world.workspace.folder.rglob("*"):
        if file.is_file():
            assert file.stat().st_mode & 0o077 == 0 or file.name == "plan.json", file
            assert not any(value.encode() in file.read_bytes() for value in values), file

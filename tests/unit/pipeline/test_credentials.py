"""The file that tells who signs in where: the administrator at each site, reviewers and approvers at theirs."""

from __future__ import annotations

import stat
from pathlib import Path

import yaml

from provision.catalog import load_catalog
from provision.inventory import required_secrets
from provision.inventory.secret_rotation import why_kept
from provision.models.plan import Plan
from provision.pipeline.credentials import write_credentials
from provision.planner import build_plan
from provision.profile import load_profile
from provision.runner.workspace import Workspace


def plan_of(folder: Path, **routing: list[str]) -> Plan:
    path = folder / "profile.yml"
    path.write_text(yaml.safe_dump({"name": "firm", "extends": "cpu-small", "routing": routing}))
    profile = load_profile(str(path), overrides=()).profile
    return build_plan(profile, load_catalog(), client="acme", target="live", lab=None)


def test_each_person_has_one_password_and_is_told_what_for(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, reviewers=["rita", "both-of-them"], approvers=["both-of-them", "paul"])
    kinds = required_secrets(plan)
    people = [name for name in kinds if name.startswith("decision_layer_person_")]
    assert people == [f"decision_layer_person_{name}" for name in ("both_of_them", "paul", "rita")]
    assert {(kinds[name], why_kept(name, kinds[name])) for name in people} == {("password", None)}
    workspace = Workspace(client_folder=tmp_path, target="live")
    workspace.folder.mkdir()
    write_credentials(workspace, plan, {name: f"secret-of-{name}" for name in kinds})
    text = workspace.credentials_file.read_text()
    url = next(site.url for site in plan.sites if site.name == "challenge")
    assert f"contest a decision, review and approve: {url}\n" in text
    assert f"user      rita   ({url}review)\n  password  secret-of-decision_layer_person_rita\n" in text
    assert f"user      both-of-them   ({url}review and {url}approve/RECORD)\n" in text
    assert f"user      paul   ({url}approve/RECORD)\n" in text
    assert stat.S_IMODE(workspace.credentials_file.stat().st_mode) == 0o600


def test_without_people_the_site_is_named_alone(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, reviewers=[])
    assert not [name for name in required_secrets(plan) if "person" in name]
    workspace = Workspace(client_folder=tmp_path, target="live")
    workspace.folder.mkdir()
    write_credentials(workspace, plan, dict.fromkeys(required_secrets(plan), "x"))
    lines = workspace.credentials_file.read_text().splitlines()
    place = next(index for index, line in enumerate(lines) if line.startswith("contest a decision"))
    assert lines[place + 1] == ""

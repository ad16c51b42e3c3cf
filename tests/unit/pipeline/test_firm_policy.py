"""A firm's own policy takes the place of the one that is made, with the plan's models in it, and is signed."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.catalog import load_catalog
from provision.errors import ErrorGroup, PlanError, SetupError
from provision.inventory import build_inventory, render_inventory, required_secrets
from provision.inventory.secret_rotation import why_kept
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan
from provision.pipeline.firm_policy import read_firm_policy, sign_policy
from provision.planner import build_plan
from provision.profile import load_profile
from provision.runner.secrets import make_secret

PACKAGE = Path(__file__).parents[3] / "decision_layer"
PYTHON = PACKAGE / ".venv" / "bin" / "python"
Document = dict[str, Any]
READ_SIGNED = """
import pathlib, sys
from decision_layer.policy.signing import read_signed
read_signed(*map(pathlib.Path, sys.argv[1:]))
"""


def own_policy() -> Document:
    """The shipped example of a firm, with rules for the models of the profile below."""
    document: Document = yaml.safe_load((PACKAGE / "examples" / "hybrid-firm.yml").read_text())
    document["version"] = 7
    document["rules"] = [
        {"name": "open", "title": "Open", "when": {"classes": ["public"]}, "to": ["cloud", "chat"]},
        {"name": "rest", "title": "All else", "to": ["chat"]},
    ]
    del document["budgets"]
    return document


def plan_of(folder: Path, document: Document | str, **routing: object) -> Plan:
    (folder / "policy.yml").write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    model = {
        "name": "cloud",
        "title": "Cloud",
        "provider": "firm",
        "zone": "eu-cloud",
        "storage": "eu-cloud",
        "url": "https://llm.example.org/v1",
        "model": "small",
        "addresses": ["192.0.2.7"],
        "key": "firm",
    }
    said = {"policy": str(folder / "policy.yml"), "models": [model], "reviewers": ["rita"], **routing}
    layer = folder / "profile.yml"
    layer.write_text(json.dumps({"name": "firm", "extends": "cpu-small", "routing": said}))
    profile = load_profile(str(layer)).profile
    return build_plan(profile, load_catalog(), client="acme", target="live", lab=None)


def test_its_rules_hold_for_the_plans_models_clients_and_people(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, own_policy())
    given = InventoryInput(firm_policy=read_firm_policy(plan, {}))
    policy = yaml.safe_load(build_inventory(plan, given).host_vars["gateway"]["decision_layer_policy"])
    own = own_policy()
    kept = ("version", "classes", "zones", "default_class", "findings", "opaque", "rules")
    assert {name: policy[name] for name in kept} == {name: own[name] for name in kept}
    assert [(model["name"], model["zone"]) for model in policy["models"]] == [("chat", "home"), ("cloud", "eu-cloud")]
    assert [client["name"] for client in policy["clients"]] == ["open-webui", "n8n", "verify"]
    assert policy["reviewers"] == [{"name": "rita", "key": "person-rita"}]
    place = tmp_path / "made.yml"
    place.write_text(yaml.safe_dump(policy))
    checked = subprocess.run(
        [PYTHON, "-m", "decision_layer", "check", place], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_the_machine_gets_a_signature_that_the_package_believes_and_no_key(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, own_policy())
    assert required_secrets(plan)["decision_layer_policy_key"] == "ed25519"
    assert "signed with it" in str(why_kept("decision_layer_policy_key", "ed25519"))
    private = make_secret("ed25519", {})
    inventory = build_inventory(plan, InventoryInput(firm_policy=read_firm_policy(plan, {})))
    tree = render_inventory(sign_policy(inventory, private))
    assert not [name for name, text in tree.items() if private.splitlines()[1] in text]
    assert [name for name, text in tree.items() if "decision_layer_signature" in text] == ["host_vars/gateway.yml"]
    variables = yaml.safe_load(tree["host_vars/gateway.yml"].replace("!unsafe ", ""))
    for name, value in (
        ("made.yml", variables["decision_layer_policy"]),
        ("made.yml.sig", variables["decision_layer_signature"] + "\n"),
        ("signer.pem", variables["decision_layer_signer"]),
    ):
        (tmp_path / name).write_bytes(value.encode())
    argv: list[str | Path] = [PYTHON, "-c", READ_SIGNED, tmp_path / "made.yml", tmp_path / "signer.pem"]
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 0
    with (tmp_path / "made.yml").open("a") as file:
        file.write("# one more line\n")
    changed = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "it is not what was signed" in changed.stderr
    assert len(base64.b64decode(variables["decision_layer_signature"])) == 64


def test_without_it_nothing_is_signed(tmp_path: Path) -> None:
    profile = load_profile("cpu-small").profile
    plan = build_plan(profile, load_catalog(), client="acme", target="live", lab=None)
    assert read_firm_policy(plan, {}) == ""
    assert "decision_layer_policy_key" not in required_secrets(plan)


Change = Callable[[Document], object]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["rules"][0]["to"].append("gpt"), "rules.open.to: there is no model gpt"),
        (lambda d: d["zones"].pop(1), "models.cloud.zone: there is no zone eu-cloud"),
        (lambda d: d.update(default_class="other"), "default_class: there is no class other"),
        (lambda d: d["classes"][1].update(approval=True), "approvers: a class needs an approval"),
        (lambda d: d.pop("findings"), "findings: Field required"),
    ],
)
def test_names_that_lead_nowhere_are_told_before_anything_changes(tmp_path: Path, change: Change, said: str) -> None:
    document = own_policy()
    change(document)
    with pytest.raises(ErrorGroup) as caught:
        read_firm_policy(plan_of(tmp_path, document), {})
    assert any(said in error.what for error in caught.value.errors), caught.value.errors
    assert all("policy.yml" in error.where and error.hint for error in caught.value.errors)


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "", "zones: [home]\n"])
def test_what_is_no_policy_is_told_with_its_place_in_the_profile(tmp_path: Path, text: str) -> None:
    with pytest.raises(SetupError, match="policy cannot be used") as caught:
        read_firm_policy(plan_of(tmp_path, text), {})
    assert "policy.yml, which routing.policy names" in caught.value.where


def test_a_key_that_stands_twice_is_told(tmp_path: Path) -> None:
    text = yaml.safe_dump(own_policy()) + "opaque: public\n"
    with pytest.raises(SetupError, match="opaque is there twice"):
        read_firm_policy(plan_of(tmp_path, text), {})


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, own_policy())
    (tmp_path / "policy.yml").unlink()
    with pytest.raises(SetupError, match="cannot be read: No such file"):
        read_firm_policy(plan, {})


def test_one_place_alone_says_what_may_go_where(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="says the classes, and so does the profile") as caught:
        plan_of(tmp_path, own_policy(), classes=[{"name": "public", "zones": []}])
    assert "routing.classes" in caught.value.where

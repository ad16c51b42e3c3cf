"""The policy that a plan becomes: judged by the decision layer's own check, and asked by its own explain."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision import advise
from provision.catalog import load_catalog
from provision.errors import ErrorGroup, PlanError
from provision.inventory import build_inventory, required_secrets
from provision.inventory.policy import build_policy
from provision.inventory.secret_rotation import why_kept
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan
from provision.planner import build_plan
from provision.profile import load_profile
from tests.stand_ins.small_authority import vouch_for

PROGRAM = Path(__file__).parents[3] / "decision_layer" / ".venv" / "bin" / "decision-layer"
CLOUD: dict[str, Any] = {
    "zones": [{"name": "eu-cloud", "title": "Provider in the EU"}],
    "models": [
        {
            "name": "mistral-medium",
            "title": "Mistral Medium",
            "provider": "mistral",
            "zone": "eu-cloud",
            "storage": "eu-cloud",
            "url": "https://api.mistral.ai/v1",
            "model": "mistral-medium-latest",
            "addresses": ["192.0.2.10", "192.0.2.11"],
            "key": "mistral",
        }
    ],
    "classes": [{"name": "public", "zones": ["eu-cloud"]}, {"name": "internal", "zones": ["eu-cloud"]}],
    "rules": [
        {
            "name": "drafts",
            "title": "Drafts",
            "when": {"classes": ["public", "internal"], "tasks": ["marketing"]},
            "to": ["mistral-medium", "chat"],
            "budget": "cloud",
        }
    ],
    "budgets": [{"name": "cloud", "euro_per_day": 20.0}],
}


def plan_of(folder: Path, routing: dict[str, Any] | None, name: str = "sme-2x4090") -> Plan:
    layer = folder / "profile.yml"
    document = {"name": "firm", "extends": name} | ({"routing": routing} if routing else {})
    layer.write_text(json.dumps(document))  # JSON is YAML, and has no aliases
    profile = load_profile(str(layer)).profile
    return build_plan(profile, load_catalog(), client="acme", target="live", lab=None)


def policy_of(plan: Plan, folder: Path) -> Path:
    hosts = build_inventory(plan, InventoryInput()).host_vars
    text = next(values["decision_layer_policy"] for values in hosts.values() if "decision_layer_policy" in values)
    place = folder / "policy.yml"
    place.write_text(text)
    return place


def ask(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)


def chain(policy: Path, *words: str) -> list[str]:
    decision = json.loads(ask("explain", policy, "--json", *words).stdout)["decision"]
    return [item["model"] for item in decision["candidates"] if not item["refused"]]


@pytest.mark.parametrize("name", ["sme-2x4090", "cpu-small", "hetzner-rtx6000", "scaleway-h100"])
def test_everything_stays_at_home_by_default(tmp_path: Path, name: str) -> None:
    plan = plan_of(tmp_path, None, name)
    policy = policy_of(plan, tmp_path)
    assert ask("check", policy).returncode == 0
    assert chain(policy, "--label", "public", "--task", "marketing") == ["chat"]
    gateway = next(service.machine for service in plan.services if service.name == "decision_layer")
    assert [flow for flow in plan.outside if flow.source == gateway] == []


def test_the_detectors_kinds_are_those_of_the_shipped_example(tmp_path: Path) -> None:
    """Whose own test holds them against what the detectors find; advise writes the same ones."""
    example = yaml.safe_load((PROGRAM.parents[2] / "examples" / "hybrid-firm.yml").read_text())["findings"]
    ours = build_policy(plan_of(tmp_path, None), {})["findings"]
    draft = yaml.safe_load((Path(advise.__file__).parent / "data" / "policy.yml").read_text())["findings"]
    assert ours == draft == example


def test_a_model_outside_gets_a_rule_a_key_and_a_way_out(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, CLOUD)
    policy = policy_of(plan, tmp_path)
    checked = ask("check", policy)
    assert checked.returncode == 0, checked.stderr
    assert chain(policy, "--label", "public", "--task", "marketing") == ["mistral-medium", "chat"]
    assert chain(policy, "--label", "public") == ["chat"]
    assert chain(policy, "--label", "public", "--task", "marketing", "--finding", "iban") == ["chat"]
    assert chain(policy, "--label", "confidential", "--model", "mistral-medium") == []
    assert required_secrets(plan)["decision_layer_key_mistral"] == "given"
    hosts = build_inventory(plan, InventoryInput()).host_vars
    ways = {
        (name, tuple(rule["destinations"]), rule["port"])
        for name, values in hosts.items()
        for rule in values["base_outbound"]
        if "192.0.2.10/32" in rule["destinations"]
    }
    assert ways == {("gateway", ("192.0.2.10/32", "192.0.2.11/32"), 443)}
    keys = {key["name"]: key["key"].name for key in hosts["gateway"]["decision_layer_keys"]}
    assert keys["cloud-mistral"] == "decision_layer_key_mistral"
    assert len(set(keys.values())) == len(keys)


def test_the_named_authority_vouches_for_its_model_alone(tmp_path: Path) -> None:
    pem = vouch_for("api.mistral.ai").authority
    models = [CLOUD["models"][0] | {"authority": "/etc/firm/ca.pem"}, CLOUD["models"][0] | {"name": "other"}]
    policy = build_policy(plan_of(tmp_path, CLOUD | {"models": models}), {"/etc/firm/ca.pem": pem})
    said = {model["name"]: model["upstream"].get("authority") for model in policy["models"]}
    assert said == {"chat": None, "mistral-medium": pem, "other": None}
    place = tmp_path / "policy.yml"
    place.write_text(yaml.safe_dump(policy))
    assert ask("check", place).returncode == 0, ask("check", place).stderr


def test_people_decide_with_keys_of_their_own(tmp_path: Path) -> None:
    classes = [CLOUD["classes"][0], CLOUD["classes"][1] | {"approval": True}]
    plan = plan_of(tmp_path, CLOUD | {"classes": classes, "reviewers": ["rita"], "approvers": ["anna-maria", "rita"]})
    policy = policy_of(plan, tmp_path)
    checked = ask("check", policy)
    assert checked.returncode == 0, checked.stderr
    document = yaml.safe_load(policy.read_text())
    assert document["reviewers"] == [{"name": "rita", "key": "person-rita"}]
    assert [person["name"] for person in document["approvers"]] == ["anna-maria", "rita"]
    assert [item["name"] for item in document["classes"] if item.get("approval")] == ["internal"]
    keys = {
        key["name"]: key["key"].name
        for key in build_inventory(plan, InventoryInput()).host_vars["gateway"]["decision_layer_keys"]
    }
    assert keys["person-anna-maria"] == "decision_layer_person_anna_maria"
    secrets = required_secrets(plan)
    assert {name: secrets[name] for name in secrets if "_person_" in name} == {
        "decision_layer_person_anna_maria": "password",
        "decision_layer_person_rita": "password",
    }
    assert why_kept("decision_layer_person_rita", "password") is None
    assert chain(policy, "--label", "internal", "--task", "marketing") == ["chat"]
    assert chain(policy, "--label", "public", "--task", "marketing") == ["mistral-medium", "chat"]


def test_an_own_model_reads_what_would_leave(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, CLOUD | {"second_stage": {"model": "chat", "when": "always"}})
    policy = policy_of(plan, tmp_path)
    checked = ask("check", policy)
    assert checked.returncode == 0, checked.stderr
    assert yaml.safe_load(policy.read_text())["second_stage"] == {"model": "chat", "when": "always"}
    unread = "may leave unread"
    assert not any(unread in finding.what for finding in plan.findings)
    assert any(unread in finding.what for finding in plan_of(tmp_path, CLOUD).findings)
    assert not any(unread in finding.what for finding in plan_of(tmp_path, None).findings)


def changed(**changes: Any) -> dict[str, Any]:
    return {**CLOUD, **changes}


@pytest.mark.parametrize(
    ("routing", "said", "where"),
    [
        (changed(zones=[]), "there is no zone 'eu-cloud'", "routing.models.0"),
        (changed(models=[]), "there is no model 'mistral-medium'", "routing.rules.0.to"),
        (changed(budgets=[]), "there is no budget 'cloud'", "routing.rules.0"),
        (changed(models=[CLOUD["models"][0] | {"name": "chat"}], rules=[]), "'chat' is there twice", "routing.models"),
        (
            changed(models=[*CLOUD["models"], dict(CLOUD["models"][0])]),
            "'mistral-medium' is there twice",
            "routing.models",
        ),
        (
            changed(classes=[{"name": "personal", "zones": ["eu-cloud"]}]),
            "personal may go to eu-cloud, and the lower class confidential may not",
            "routing.classes",
        ),
        (
            changed(classes=[{"name": "public", "zones": ["eu-cloud"], "approval": True}]),
            "public needs an approval, and nobody may give one",
            "routing.approvers",
        ),
        (changed(second_stage={"model": "mistral-medium"}), "cannot read what would leave", "routing.second_stage"),
        (changed(reviewers=["rita", "rita"]), "'rita' is there twice", "routing.reviewers"),
        (
            changed(zones=[{"name": "self-hosted", "title": "Not at all"}, *CLOUD["zones"]]),
            "'self-hosted' is there twice, or has a meaning of its own",
            "routing.zones",
        ),
        (
            changed(models=[*CLOUD["models"], CLOUD["models"][0] | {"name": "other", "addresses": ["192.0.2.99"]}]),
            "api.mistral.ai has other addresses here",
            "routing.models.1.addresses",
        ),
    ],
)
def test_what_leads_nowhere_is_told_at_once(tmp_path: Path, routing: dict[str, Any], said: str, where: str) -> None:
    with pytest.raises((ErrorGroup, PlanError)) as caught:
        plan_of(tmp_path, routing)
    error = caught.value
    errors: list[Any] = list(error.errors) if isinstance(error, ErrorGroup) else [error]
    assert any(said in error.what and where in error.where for error in errors), errors


def test_reviewers_and_approvers_are_in_the_policy_each_with_a_key(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, CLOUD | {"reviewers": ["rita", "max-b"], "approvers": ["paul", "rita"]})
    policy = policy_of(plan, tmp_path)
    checked = ask("check", policy)
    assert checked.returncode == 0, checked.stderr
    document = yaml.safe_load(policy.read_text())
    assert [person["name"] for person in document["reviewers"]] == ["rita", "max-b"]
    hosts = build_inventory(plan, InventoryInput()).host_vars
    keys = {key["name"]: key["key"].name for key in hosts["gateway"]["decision_layer_keys"]}
    for person in document["reviewers"] + document["approvers"]:
        assert keys[person["key"]] == f"decision_layer_person_{person['name'].replace('-', '_')}"

"""Every variable that a role is given is one that its argument_specs.yml asks for, and in its form."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.catalog.node_artifacts import load_artifacts
from provision.inventory import build_inventory
from provision.inventory.node_vars import published_driver
from provision.inventory.probe_vars import USERS
from provision.models.inventory import Bundle, InventoryInput, ModelFile, SecretReference
from provision.models.plan import Plan

ROLES = Path(__file__).resolve().parents[3] / "roles"
PlanOf = Callable[..., Plan]
PROFILES = ("cpu-small", "hetzner-rtx6000", "scaleway-h100", "sme-2x4090")
TYPES: dict[str, type | tuple[type, ...]] = {
    "str": (str, SecretReference),
    "path": str,
    "int": int,
    "bool": bool,
    "list": list,
    "dict": dict,
}


def read_specs(role: str) -> dict[str, Any]:
    document = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options: dict[str, Any] = document["argument_specs"]["main"]["options"]
    return options


def check_options(values: dict[str, Any], options: dict[str, Any], path: str) -> None:
    """Unknown, missing or wrongly typed values fail, at any depth."""
    assert set(values) <= set(options), f"{path}: unknown {set(values) - set(options)}"
    missing = {name for name, option in options.items() if option.get("required") and name not in values}
    assert not missing, f"{path}: missing {missing}"
    for name, value in values.items():
        check_value(value, options[name], f"{path}.{name}")


def check_value(value: Any, option: dict[str, Any], path: str) -> None:
    kind = option.get("type", "str")
    assert isinstance(value, TYPES[kind]), f"{path}: {value!r} is not of type {kind}"
    assert not (kind == "int" and isinstance(value, bool)), f"{path}: a bool is no int"
    if "choices" in option:
        assert value in option["choices"], f"{path}: {value!r} is none of {option['choices']}"
    if option.get("no_log") and value:
        assert isinstance(value, SecretReference), f"{path} is secret, but no reference to the vault"
    if "options" in option and kind == "dict":
        check_options(value, option["options"], path)
    for position, item in enumerate(value if kind == "list" else ()):
        element = {
            "type": option.get("elements", "str"),
            **({"options": option["options"]} if "options" in option else {}),
        }
        check_value(item, element, f"{path}.{position}")


@pytest.mark.parametrize("lab", [False, True], ids=["live", "lab"])
@pytest.mark.parametrize("profile", PROFILES)
def test_variables_are_what_the_roles_ask_for(profile: str, lab: bool, plan_of: PlanOf) -> None:
    plan = plan_of(profile, lab=lab)
    given = InventoryInput(
        bundles=tuple(
            Bundle(release=service.release, url="http://10.0.0.1/x", sha256="0" * 64)
            for service in plan.services
            if service.release
        ),
        model_files=tuple(
            ModelFile(file=engine.model_file, url="http://10.0.0.1/y", sha256="0" * 64, size_mib=1)
            for engine in plan.engines
        ),
        mirror="http://10.0.0.1:8099",
        pynvml="/somewhere/pynvml.py",
        driver=published_driver(load_artifacts(None)["nvidia-driver"], may_reboot=False),
    )
    inventory = build_inventory(plan, given)
    for machine in plan.machines:
        variables = {**inventory.all_vars, **inventory.host_vars[machine.name]}
        left = {name for name in variables if not name.startswith(("ansible_", "provision_"))}
        for role in machine.roles:
            mine = {name: value for name, value in variables.items() if name.startswith(f"{role}_")}
            check_options(mine, read_specs(role), role)
            left -= set(mine)
        assert not left, f"{machine.name}: variables of no role: {left}"


@pytest.mark.parametrize(("role", "unit"), [("llama_cpp", "llama-cpp@"), ("n8n", "n8n"), ("open_webui", "open-webui")])
def test_users_are_those_of_the_units(role: str, unit: str) -> None:
    text = (ROLES / role / "templates" / f"{unit}.service.j2").read_text(encoding="utf-8")
    assert re.findall(r"^User=(.+)$", text, re.MULTILINE) == [USERS[role]]


def test_paths_of_the_engine_are_those_of_its_unit(plan_of: PlanOf) -> None:
    text = (ROLES / "llama_cpp" / "templates" / "llama-cpp@.service.j2").read_text(encoding="utf-8")
    variables = build_inventory(plan_of(lab=True), InventoryInput()).host_vars["engine"]
    engine, before = variables["probe_engines"][0], variables["probe_vram_before"][0]
    assert engine["api_key_file"].replace("chat", "%i") in text
    assert before["path"].replace("chat", "%i") in text

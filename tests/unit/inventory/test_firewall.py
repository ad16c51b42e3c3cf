"""Who may open connections to whom: the ruleset as the role writes it from a plan's variables."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from provision.catalog import load_catalog
from provision.inventory import build_inventory
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan
from provision.planner import build_plan
from provision.profile import load_profile
from tests.unit.inventory.test_policy import CLOUD

ROLE = Path(__file__).parents[3] / "roles" / "base"
NFT = "/usr/sbin/nft"
PROFILES = ["sme-2x4090", "cpu-small", "hetzner-rtx6000", "scaleway-h100"]
USERS = {"systemd-timesync", "decision-layer", "_apt"}
"""Those that rulesets name beside root; a machine that checks one here may not have them."""
ACCEPTED_FOR_ALL = [
    'oif "lo" accept',
    "ct state vmap { established : accept, related : accept, invalid : drop }",
    "meta l4proto { icmp, ipv6-icmp } accept",
    'meta skuid "root" tcp sport 22 accept comment "answers of ssh"',
]
PACKAGES = [
    'meta skuid { "root", "_apt" } meta l4proto { tcp, udp } th dport 53 accept comment "names for packages"',
    'meta skuid { "root", "_apt" } tcp dport { 80, 443 } accept comment "packages"',
]
TIME = 'meta skuid "systemd-timesync" udp dport 123 accept comment "time"'


def plan_of(folder: Path, name: str, routing: dict[str, Any] | None) -> Plan:
    layer = folder / "profile.yml"
    layer.write_text(json.dumps({"name": "firm", "extends": name} | ({"routing": routing} if routing else {})))
    return build_plan(load_profile(str(layer)).profile, load_catalog(), client="acme", target="live", lab=None)


def rulesets(plan: Plan) -> Iterator[tuple[str, str]]:
    """By machine, what the role would write there."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701
    # Ansible's own test of this name.
    environment.tests["search"] = lambda text, pattern: re.search(pattern, text) is not None
    template = environment.from_string((ROLE / "templates" / "nftables.conf.j2").read_text())
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    inventory = build_inventory(plan, InventoryInput())
    for machine, values in inventory.host_vars.items():
        yield machine, template.render({**defaults, **inventory.all_vars, **values})


def way_out(ruleset: str) -> list[str]:
    """The rules of the output chain that let something out."""
    chain = ruleset.partition("chain output {")[2].partition("    }")[0]
    assert "policy drop" in chain
    return [line.strip() for line in chain.splitlines() if "accept" in line]


def houses(plan: Plan) -> str:
    """A pattern for the rules that lead to the plan's own machines."""
    own = "|".join(re.escape(f"{machine.address}/32") for machine in plan.machines)
    return rf'ip daddr {{ (?:{own}) }} (?:tcp|udp) dport \d+ accept comment ".*"'


@pytest.mark.parametrize("name", PROFILES)
def test_without_a_model_outside_nobody_but_packages_and_time_gets_out(tmp_path: Path, name: str) -> None:
    plan = plan_of(tmp_path, name, None)
    for machine, ruleset in rulesets(plan):
        rules = [rule for rule in way_out(ruleset) if not re.fullmatch(houses(plan), rule)]
        kind = next(planned.kind for planned in plan.machines if planned.name == machine)
        assert rules == [*ACCEPTED_FOR_ALL, *PACKAGES, *([] if kind == "lxc" else [TIME])], machine
        assert "decision-layer" not in ruleset


@pytest.mark.parametrize("name", PROFILES)
def test_a_provider_is_for_the_decision_layers_user_alone(tmp_path: Path, name: str) -> None:
    without = dict(rulesets(plan_of(tmp_path, name, None)))
    plan = plan_of(tmp_path, name, CLOUD)
    home = next(service.machine for service in plan.services if service.name == "decision_layer")
    for machine, ruleset in rulesets(plan):
        fresh = [rule for rule in way_out(ruleset) if rule not in way_out(without[machine])]
        assert fresh == (
            [
                'ip daddr { 192.0.2.10/32, 192.0.2.11/32 } meta skuid "decision-layer" tcp dport 443 accept'
                ' comment "model mistral-medium in eu-cloud"'
            ]
            if machine == home
            else []
        )
        assert set(way_out(without[machine])) <= set(way_out(ruleset))


def test_the_user_is_made_before_the_ruleset_names_it(tmp_path: Path) -> None:
    tasks = [yaml.safe_load((ROLE / "tasks" / f"{part}.yml").read_text()) for part in ("main", "install")]
    order = [task["ansible.builtin.import_tasks"] for task in tasks[0]]
    assert order.index("install.yml") < order.index("configure.yml")
    (made,) = (task for task in tasks[1] if "ansible.builtin.user" in task)
    assert made["ansible.builtin.user"]["system"] is True
    values = build_inventory(plan_of(tmp_path, "hetzner-rtx6000", CLOUD), InventoryInput()).host_vars["host"]
    expression = jinja2.Environment(autoescape=True).compile_expression(made["loop"].strip("{ }"))
    assert list(expression(**values) or ()) == ["decision-layer"]
    assert list(expression(base_outbound=[{"port": 1}]) or ()) == []


def nft_checks() -> bool:
    """Whether nft is here and may ask the kernel."""
    if not Path(NFT).exists():
        return False
    return subprocess.run([NFT, "list", "tables"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not nft_checks(), reason="nft is not here or not for this user; the Molecule scenario runs it")
@pytest.mark.parametrize("name", PROFILES)
def test_nft_takes_the_rulesets(tmp_path: Path, name: str) -> None:
    for machine, ruleset in rulesets(plan_of(tmp_path, name, CLOUD)):
        place = tmp_path / f"{machine}.nft"
        for user in USERS:
            ruleset = ruleset.replace(f'"{user}"', '"nobody"')
        ruleset = ruleset.replace('{ "root", "nobody" }', '"root"')
        place.write_text(ruleset)
        done = subprocess.run([NFT, "--check", "--file", place], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

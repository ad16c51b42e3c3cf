"""The policy's number rises with each change, and with nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.catalog import load_catalog
from provision.inventory import build_inventory, render_inventory, write_inventory
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan
from provision.pipeline.policy_version import number_policy
from provision.planner import build_plan
from provision.profile import load_profile

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def plan_of(folder: Path, **routing: Any) -> Plan:
    layer = folder / "profile.yml"
    layer.write_text(json.dumps({"name": "firm", "extends": "cpu-small", "routing": routing}))
    return build_plan(load_profile(str(layer)).profile, load_catalog(), client="acme", target="live", lab=None)


def write(plan: Plan, folder: Path, now: datetime, firm: str = "") -> dict[str, Any]:
    """The inventory is numbered and written; its policy."""
    inventory = number_policy(build_inventory(plan, InventoryInput(firm_policy=firm)), folder, now)
    write_inventory(render_inventory(inventory), folder)
    policy: dict[str, Any] = yaml.safe_load(inventory.host_vars["gateway"]["decision_layer_policy"])
    return policy


def test_the_same_policy_keeps_its_number_and_a_change_raises_it(tmp_path: Path) -> None:
    folder = tmp_path / "inventory"
    plain, held = plan_of(tmp_path), plan_of(tmp_path, reviewers=["rita"])
    first = write(plain, folder, NOON)
    assert first["version"] == 202611301200
    written = (folder / "host_vars" / "gateway.yml").read_bytes()
    assert write(plain, folder, NOON + timedelta(days=3)) == first
    assert (folder / "host_vars" / "gateway.yml").read_bytes() == written
    versions = [write(plan, folder, NOON)["version"] for plan in (held, plain, held)]
    assert versions == [202611301201, 202611301202, 202611301203]
    assert write(plain, folder, NOON + timedelta(days=1))["version"] == 202612011200


def test_a_clock_that_goes_back_lowers_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "inventory"
    first = write(plan_of(tmp_path), folder, NOON)
    later = write(plan_of(tmp_path, reviewers=["rita"]), folder, NOON - timedelta(days=400))
    assert later["version"] == first["version"] + 1


def test_a_lost_inventory_goes_on_from_the_clock(tmp_path: Path) -> None:
    before = write(plan_of(tmp_path), tmp_path / "inventory", NOON)
    after = write(plan_of(tmp_path, reviewers=["rita"]), tmp_path / "new", NOON + timedelta(minutes=1))
    assert after["version"] > before["version"]


@pytest.mark.parametrize("content", ["a: [", "- 1\n", "decision_layer_policy: [1]\n", "\udcff"])
def test_an_inventory_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "inventory"
    (folder / "host_vars").mkdir(parents=True)
    (folder / "host_vars" / "gateway.yml").write_bytes(content.encode("utf-8", "surrogateescape"))
    inventory = number_policy(build_inventory(plan_of(tmp_path), InventoryInput()), folder, NOON)
    assert "\nversion: 202611301200\n" in inventory.host_vars["gateway"]["decision_layer_policy"]


def test_a_firms_own_number_holds_where_it_is_the_highest(tmp_path: Path) -> None:
    policy = write(plan_of(tmp_path), tmp_path / "inventory", NOON)
    firm = yaml.safe_dump({**policy, "version": 300000000000, "name": "own"})
    assert write(plan_of(tmp_path), tmp_path / "inventory", NOON, firm)["version"] == 300000000000
    assert write(plan_of(tmp_path), tmp_path / "inventory", NOON)["version"] == 300000000001

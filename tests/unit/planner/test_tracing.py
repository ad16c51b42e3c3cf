"""Langfuse in a plan: a VM of its own, a site of the gateway, no way to its stores, and images by digest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from provision.catalog import load_catalog
from provision.catalog.images import load_images
from provision.errors import PlanError
from provision.inventory import build_inventory
from provision.inventory.secret_rotation import why_kept
from provision.inventory.secrets import LANGFUSE, required_secrets
from provision.models.inventory import InventoryInput, SecretReference
from provision.pipeline.container_images import STAND_INS, name_stand_in, published_images
from provision.planner import build_plan
from provision.profile import load_profile
from tests.unit.planner.tracing import profile_with_tracing, with_tracing

ROOT = Path(__file__).resolve().parents[3]


def test_people_reach_it_by_the_gateway_and_nobody_else_does() -> None:
    plan = with_tracing()
    site = next(site for site in plan.sites if site.name == "traces")
    machine = next(machine for machine in plan.machines if machine.name == "trace")
    gateway = next(service.machine for service in plan.services if service.name == "caddy")
    assert (site.port, site.upstream) == (9444, f"{machine.address}:3010")
    flows = {(flow.source, flow.port) for flow in plan.flows if flow.target == "trace"}
    assert {port for source, port in flows if source not in {"controller", "admin"}} == {3010, 9100}
    assert {source for source, port in flows if port == 3010} == {gateway}


def test_docker_stays_out_of_lxc() -> None:
    with pytest.raises(PlanError) as refused:
        build_plan(profile_with_tracing(kind="lxc"), load_catalog(), client="acme", target="live", lab=None)
    assert "stays out of LXC" in refused.value.what
    assert refused.value.hint == "write kind: vm"


def test_the_lab_names_its_stand_in_everywhere() -> None:
    plan = with_tracing("lab")
    assert next(service for service in plan.services if service.name == "langfuse").stand_in
    assert any("langfuse is a stand-in" in finding.what for finding in plan.findings)
    assert not any(service.stand_in for service in with_tracing("live").services)


def test_the_role_gets_each_image_by_its_part_and_digest() -> None:
    plan = with_tracing()
    given = InventoryInput(images=published_images(plan))
    values = build_inventory(plan, given).host_vars["trace"]
    images = {image["name"]: image["reference"] for image in values["langfuse_images"]}
    assert set(images) == {"web", "worker", "clickhouse", "postgres", "redis", "minio"}
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", reference) for reference in images.values())
    assert images["worker"].startswith("docker.io/langfuse/langfuse-worker@")
    assert images["web"].startswith("docker.io/langfuse/langfuse@")
    assert values["base_bridges"] == [values["langfuse_bridge"]]
    assert not any("base_bridges" in build_inventory(plan, given).host_vars[other] for other in ("apps", "gateway"))


def test_the_decision_layer_sends_its_records_there() -> None:
    plan = with_tracing()
    home = next(service.machine for service in plan.services if service.name == "decision_layer")
    values = build_inventory(plan, InventoryInput()).host_vars[home]
    trace = next(machine.address for machine in plan.machines if machine.name == "trace")
    assert values["decision_layer_langfuse"] == {
        "url": f"http://{trace}:3010",
        "public_key": "langfuse_public",
        "secret_key": "langfuse_secret",
    }
    keys = {key["name"]: (key["prefix"], key["key"].name) for key in values["decision_layer_keys"] if "prefix" in key}
    assert keys == {
        "langfuse_public": ("pk-lf-", "langfuse_public_key"),
        "langfuse_secret": ("sk-lf-", "langfuse_secret_key"),
    }
    without = build_plan(load_profile("sme-2x4090").profile, load_catalog(), client="acme", target="live", lab=None)
    assert build_inventory(without, InventoryInput()).host_vars[home]["decision_layer_langfuse"] == {}


def test_every_secret_of_it_is_made_and_none_is_rotated_into_a_lock_out() -> None:
    plan = with_tracing()
    kinds = required_secrets(plan)
    values = build_inventory(plan, InventoryInput()).host_vars["trace"]["langfuse_secrets"]
    assert {reference.name for reference in values.values() if isinstance(reference, SecretReference)} == set(LANGFUSE)
    for name in LANGFUSE:
        assert why_kept(name, kinds[name]), f"{name} would be rotated, and Langfuse keeps the old one"


def test_the_compose_file_says_every_image_and_publishes_nothing() -> None:
    text = (ROOT / "roles" / "langfuse" / "templates" / "compose.yml.j2").read_text()
    parts = set(re.findall(r"common\('(\w+)'\)", text))
    service = load_catalog().services["langfuse"]
    assert parts == {name.removeprefix("langfuse-").replace("langfuse", "web") for name in service.images}
    assert "ports:" not in text
    assert "internal: true" in text


def test_stand_ins_have_the_names_that_their_archive_gives() -> None:
    text = (ROOT / "provision" / "lab" / "stand_ins" / STAND_INS / "docker_archive.py").read_text()
    named = set(re.findall(r'^    "(langfuse[a-z-]*)": \{', text, re.MULTILINE))
    assert named == set(load_images())
    assert {name_stand_in(image).split(":")[0] for image in load_images().values()} == {
        f"provision-stand-in/{name}" for name in named
    }


def test_the_playbook_of_its_stage_is_there() -> None:
    plan = with_tracing()
    assert build_inventory(plan, InventoryInput()).groups["trace"] == ("trace",)
    assert yaml.safe_load((ROOT / "playbooks" / "trace.yml").read_text())[0]["hosts"] == "trace"

"""A host's scratch disk and its system: what the plan and the inventory make of them."""

from __future__ import annotations

from typing import Any

import pytest

from provision.catalog import load_catalog
from provision.errors import ErrorGroup, PlanError
from provision.inventory import build_inventory
from provision.inventory.scratch_vars import STORES
from provision.models.inventory import InventoryInput, ModelFile
from provision.models.plan import Plan
from provision.models.system import PROVEN, VERSIONS, unit_on
from provision.pipeline.lab_model import describe_lab_model
from provision.places import find_content
from provision.planner import build_plan
from provision.profile import load_profile

DISK = "hardware.scratch=/dev/nvme0n1"
UBUNTU = "platform.system=ubuntu 24.04"


def plan_of(profile: str, *settings: str, lab: bool = False) -> Plan:
    catalog = load_catalog()
    model = describe_lab_model(catalog) if lab else None
    loaded = load_profile(profile, overrides=settings).profile
    return build_plan(loaded, catalog, client="acme", target="lab" if lab else "live", lab=model)


def host_vars(plan: Plan) -> dict[str, Any]:
    files = tuple(
        ModelFile(file=engine.model_file, url="http://10.0.0.1/y", sha256="0" * 64, size_mib=1)
        for engine in plan.engines
    )
    return build_inventory(plan, InventoryInput(model_files=files)).host_vars["host"]


def findings(plan: Plan, where: str) -> list[str]:
    return [finding.what for finding in plan.findings if finding.where == where]


def test_models_of_a_host_lie_on_the_disk_that_the_profile_names() -> None:
    plan = plan_of("scaleway-h100", DISK)
    (machine,) = plan.machines
    assert machine.roles.index("scratch") < machine.roles.index("llama_cpp")
    given = host_vars(plan)
    (store,) = given["scratch_stores"]
    assert given["scratch_device"] == "/dev/nvme0n1"
    assert (store["name"], store["units"]) == ("llama-cpp", ["llama-cpp@chat.service"])
    assert [file["file"] for file in store["files"]] == [plan.engines[0].model_file]
    assert store["files"] == given["llama_cpp_models"]
    assert findings(plan, "hardware.scratch")[0].startswith("models lie on the scratch disk /dev/nvme0n1")


@pytest.mark.parametrize("service", STORES)
def test_each_engines_role_keeps_its_models_where_the_disk_is_bound(service: str) -> None:
    texts = [path.read_text() for path in (find_content("roles") / service / "tasks").glob("*.yml")]
    assert any(f"{STORES[service]}" in text for text in texts)


def test_without_a_disk_nothing_is_done_and_scaleways_is_told_of() -> None:
    plan = plan_of("scaleway-h100")
    assert "scratch" not in plan.machines[0].roles
    assert not [name for name in host_vars(plan) if name.startswith("scratch_")]
    assert "is not used" in findings(plan, "hardware.scratch")[0]
    assert findings(plan_of("hetzner-rtx6000"), "hardware.scratch") == []


def test_the_lab_leaves_the_disk_out_and_says_so() -> None:
    plan = plan_of("scaleway-h100", DISK, lab=True)
    assert "scratch" not in plan.machines[0].roles
    assert plan.machines[0].scratch is None
    assert "is left out in the lab" in findings(plan, "hardware.scratch")[0]


@pytest.mark.parametrize(
    ("profile", "settings", "words"),
    [
        ("sme-2x4090", (DISK,), "no machine of kind host serves models"),
        ("sme-2x4090", (UBUNTU,), "guests of a Proxmox node are debian 12"),
        (
            "scaleway-h100",
            (
                UBUNTU,
                "workload.models.0.engine=vllm",
                "workload.models.0.quant=fp8",
                "workload.models.0.kv=fp8",
                "workload.models.0.model=mistral-small-3.2-24b",
                "machines.0.services=[vllm, decision_layer, postgresql, open_webui, n8n, caddy]",
            ),
            "vllm is not made for ubuntu 24.04",
        ),
    ],
)
def test_what_does_not_go_together(profile: str, settings: tuple[str, ...], words: str) -> None:
    with pytest.raises((PlanError, ErrorGroup), match=words):
        plan_of(profile, *settings)


def test_a_relative_or_odd_device_is_refused() -> None:
    for device in ("nvme0n1", "/dev/", "/dev/../etc/passwd x", "/srv/disk"):
        with pytest.raises(ErrorGroup):
            load_profile("scaleway-h100", overrides=(f"hardware.scratch={device}",))


def test_versions_follow_the_system() -> None:
    plan = plan_of("scaleway-h100", UBUNTU)
    given = host_vars(plan)
    assert build_inventory(plan, InventoryInput()).all_vars["base_system"] == "ubuntu 24.04"
    assert (given["postgresql_major"], given["open_webui_python"]) == (16, "3.12")
    assert "postgresql@16-main.service" in {service.unit for service in plan.services}
    assert "postgresql@16-main.service" in given["probe_units"]
    assert "nothing is proven" in findings(plan, "platform.system")[0]


def test_the_lab_is_always_the_proven_system() -> None:
    plan = plan_of("scaleway-h100", UBUNTU, lab=True)
    assert plan.system == PROVEN
    assert "stands for it is debian 12" in findings(plan, "platform.system")[0]


def test_the_catalogue_names_the_units_of_the_proven_system() -> None:
    for service in load_catalog().services.values():
        assert unit_on(PROVEN, service.name, service.unit) == service.unit
    assert set(VERSIONS) == {"debian 12", "ubuntu 24.04"}

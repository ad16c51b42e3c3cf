"""`routing.audit: postgresql`: the record of decisions in a database of its own in the stack's PostgreSQL."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from provision.catalog import load_catalog
from provision.errors import PlanError
from provision.inventory import build_inventory, required_secrets
from provision.inventory.decision_layer_vars import audit_words
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan
from provision.planner import build_plan
from provision.profile import load_profile

PlanOf = Callable[..., Plan]
ROOT = Path(__file__).parents[3]
ROLE = ROOT / "roles" / "decision_layer"
PASSWORD = "decision_layer_database_password"
WITH = "routing.audit=postgresql"


def hosts_of(plan: Plan) -> dict[str, dict[str, Any]]:
    return build_inventory(plan, InventoryInput()).host_vars


def test_by_default_there_is_no_database_and_no_way_to_one(plan_of: PlanOf) -> None:
    plan = plan_of()
    hosts = hosts_of(plan)
    assert hosts["gateway"]["decision_layer_audit_url"] == ""
    assert audit_words(plan) == ()
    assert PASSWORD not in required_secrets(plan)
    assert [one["name"] for one in hosts["data"]["postgresql_databases"]] == ["open_webui", "n8n"]
    assert not [flow for flow in plan.flows if (flow.source, flow.port) == ("gateway", 5432)]


def test_the_database_its_owner_its_password_and_the_one_way_to_it(plan_of: PlanOf) -> None:
    plan = plan_of("sme-2x4090", WITH)
    hosts = hosts_of(plan)
    data, gateway = (next(m.address for m in plan.machines if m.name == name) for name in ("data", "gateway"))
    assert hosts["gateway"]["decision_layer_audit_url"] == f"postgresql://decision_layer@{data}:5432/decision_layer"
    keys = {key["name"]: key["key"].name for key in hosts["gateway"]["decision_layer_keys"]}
    database = next(one for one in hosts["data"]["postgresql_databases"] if one["name"] == "decision_layer")
    assert keys["audit_database"] == database["password"].name == PASSWORD
    assert database["owner"] == "decision_layer"
    assert database["clients"] == [f"{gateway}/32"]
    assert required_secrets(plan)[PASSWORD] == "password"
    ways = [flow for flow in plan.flows if (flow.source, flow.target, flow.port) == ("gateway", "data", 5432)]
    assert [flow.purpose for flow in ways] == ["decision_layer uses postgresql"]
    opened = [rule for rule in hosts["data"]["base_inbound"] if rule["port"] == 5432]
    assert f"{gateway}/32" in {source for rule in opened for source in rule["sources"]}


def test_on_one_machine_the_database_comes_first_and_is_reached_by_loopback(plan_of: PlanOf) -> None:
    plan = plan_of("hetzner-rtx6000", WITH)
    roles = plan.machines[0].roles
    assert roles.index("postgresql") < roles.index("decision_layer")
    assert "@127.0.0.1:5432/" in hosts_of(plan)["host"]["decision_layer_audit_url"]


def test_the_guest_of_the_database_starts_before_the_gateways(plan_of: PlanOf) -> None:
    order = {
        machine.name: machine.guest.start_order for machine in plan_of("sme-2x4090", WITH).machines if machine.guest
    }
    assert order["data"] < order["gateway"]


def test_without_postgresql_it_cannot_be_planned() -> None:
    profile = load_profile("hetzner-rtx6000", overrides=[WITH]).profile
    services = tuple(name for name in profile.machines[0].services if name not in ("postgresql", "open_webui", "n8n"))
    less = profile.model_copy(
        update={"machines": (profile.machines[0].model_copy(update={"services": services}), *profile.machines[1:])}
    )
    with pytest.raises(PlanError, match="'decision_layer' needs 'postgresql', which is placed nowhere"):
        build_plan(less, load_catalog(), client="acme", target="live", lab=None)


@pytest.mark.parametrize("override", [None, WITH])
def test_the_role_writes_settings_that_the_decision_layer_reads(
    plan_of: PlanOf, tmp_path: Path, override: str | None
) -> None:
    plan = plan_of("sme-2x4090", *([override] if override else []))
    values = {**yaml.safe_load((ROLE / "vars/main.yml").read_text()), **hosts_of(plan)["gateway"]}
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701
    environment.filters["to_json"] = lambda text: yaml.safe_dump(text, default_style='"').strip()
    template = environment.from_string((ROLE / "templates/settings.yml.j2").read_text())
    place = tmp_path / "settings.yml"
    place.write_text(template.render(values))
    program = (
        "import sys; from pathlib import Path; from decision_layer.gateway.settings import *\n"
        "settings = read_settings(Path(sys.argv[1])); given = settings.audit.postgresql; print(given and given.url)\n"
        "backend = audit_backend(settings); print(type(backend).__name__, backend.log)\n"
    )
    python = ROOT / "decision_layer" / ".venv" / "bin" / "python"
    done = subprocess.run([python, "-c", program, place], check=True, capture_output=True, text=True)
    url, backend = done.stdout.splitlines()
    if override:
        assert url == values["decision_layer_audit_url"]
        assert backend.startswith("PostgresqlBackend PostgreSQL at 10.")
    else:
        assert (url, backend) == ("None", "SqliteBackend /var/lib/decision-layer/audit/audit.sqlite")

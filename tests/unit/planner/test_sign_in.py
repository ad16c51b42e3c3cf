"""Sign-in by OpenID Connect: off unless asked for, and the one way out that it opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from provision.catalog import load_catalog
from provision.errors import ErrorGroup, PlanError, ProvisionError, SetupError
from provision.inventory import build_inventory, required_secrets
from provision.inventory.secret_rotation import why_kept
from provision.models.inventory import InventoryInput, SecretReference
from provision.models.plan import Plan
from provision.planner import build_plan
from provision.profile import load_profile
from provision.runner.secrets import ensure_secrets, keep_secret
from provision.runner.workspace import open_workspace

SECRET = "open_webui_oidc_client_secret"
GOOD = "{issuer: 'https://login.example.com/realms/firm', addresses: [203.0.113.7], client_id: chat}"
ROLE = Path(__file__).resolve().parents[3] / "roles" / "open_webui"


def plan_with(sign_in: str | None, folder: Path) -> Plan:
    file = folder / "rig.yml"
    file.write_text("extends: sme-2x4090\nname: rig\n" + (f"sign_in: {sign_in}\n" if sign_in else ""))
    profile = load_profile(str(file)).profile
    return build_plan(profile, load_catalog(), client="acme", target="live", lab=None)


def variables(plan: Plan, machine: str) -> dict[str, Any]:
    return dict(build_inventory(plan, InventoryInput()).host_vars[machine])


def test_it_is_off(tmp_path: Path) -> None:
    plan = plan_with(None, tmp_path)
    assert plan.sign_in is None
    assert variables(plan, "apps")["open_webui_oidc"] == {}
    assert SECRET not in required_secrets(plan)


def test_the_machine_of_open_webui_alone_may_reach_the_issuer_alone(tmp_path: Path) -> None:
    before, plan = plan_with(None, tmp_path), plan_with(GOOD, tmp_path)
    apps = variables(plan, "apps")
    new = [rule for rule in apps["base_outbound"] if rule not in variables(before, "apps")["base_outbound"]]
    purpose = "who a person is, by OpenID Connect"
    assert new == [{"destinations": ["203.0.113.7/32"], "port": 443, "protocol": "tcp", "purpose": purpose}]
    assert {"address": "203.0.113.7", "names": ["login.example.com"]} in apps["base_hosts"]
    for machine in {machine.name for machine in plan.machines} - {"apps"}:
        assert variables(plan, machine) == variables(before, machine)


def test_the_role_is_given_the_issuer_and_a_reference_to_the_secret(tmp_path: Path) -> None:
    plan = plan_with(GOOD, tmp_path)
    assert variables(plan, "apps")["open_webui_oidc"] == {
        "issuer": "https://login.example.com/realms/firm",
        "client_id": "chat",
        "name": "Single sign-on",
        "client_secret": SecretReference(name=SECRET),
    }
    assert required_secrets(plan)[SECRET] == "given"
    assert "secrets set" in str(why_kept(SECRET, "given"))


def test_another_port_is_let_out(tmp_path: Path) -> None:
    plan = plan_with(GOOD.replace(".com/", ".com:8443/"), tmp_path)
    assert plan.sign_in is not None
    assert (plan.sign_in.host, plan.sign_in.port) == ("login.example.com", 8443)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("https:", "http:"), "not the address of an issuer"),
        (("realms/firm", "realms/firm/"), "not the address of an issuer"),
        (("login.example.com", "user:pass@login.example.com"), "not the address of an issuer"),
        (("203.0.113.7", ""), "addresses"),
        (("203.0.113.7", "login"), "not an IPv4 address"),
        (("client_id: chat", "client_id: 'a b'"), "not a client's id"),
        ((", client_id: chat", ""), "client_id is missing"),
        (("client_id: chat", "client_id: chat, client_secret: x"), "not a known key"),
    ],
)
def test_what_cannot_be_meant_is_refused(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises((ProvisionError, ErrorGroup)) as refused:
        plan_with(GOOD.replace(*change), tmp_path)
    assert said in str(refused.value)


def test_a_port_beyond_the_last_is_refused(tmp_path: Path) -> None:
    with pytest.raises((PlanError, ErrorGroup)):
        plan_with(GOOD.replace(".com/", ".com:70000/"), tmp_path)


def test_up_does_not_invent_what_the_provider_gave(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path, "acme", "live")
    with pytest.raises(SetupError) as refused:
        ensure_secrets(workspace, {SECRET: "given", "other": "token"})
    assert f"provision secrets set {SECRET}" in refused.value.hint
    keep_secret(workspace, SECRET, "canary-from-the-provider")
    assert ensure_secrets(workspace, {SECRET: "given", "other": "token"})[SECRET] == "canary-from-the-provider"


@pytest.mark.parametrize(
    "given", [{}, {"issuer": "https://i.example.com", "client_id": "c", "client_secret": "s", "name": "Firm"}]
)
def test_the_role_says_it_to_open_webui_and_only_then(given: dict[str, str]) -> None:
    """The names are those that open_webui/config.py of 0.12.4 reads."""
    said = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())["open_webui_sign_in"]
    template = (ROLE / "templates" / "env.j2").read_text()
    assert "open_webui_sign_in if open_webui_oidc else {}" in template
    values = {
        name: jinja2.Template(text).render(open_webui_oidc=given, open_webui_url="https://chat.example.lan")
        for name, text in said.items()
    }
    assert values["OPENID_REDIRECT_URI"] == "https://chat.example.lan/oauth/oidc/login/callback"
    assert values["ENABLE_OAUTH_PERSISTENT_CONFIG"] == values["OAUTH_MERGE_ACCOUNTS_BY_EMAIL"] == "false"
    if given:
        assert values["OPENID_PROVIDER_URL"] == "https://i.example.com/.well-known/openid-configuration"
        assert (values["OAUTH_CLIENT_ID"], values["OAUTH_CLIENT_SECRET"]) == ("c", "s")

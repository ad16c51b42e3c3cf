"""Where certificates come from, single sign-on, allowed paths: what a profile says of the way in, as a plan."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.catalog import load_catalog
from provision.errors import ErrorGroup, PlanError, ProvisionError
from provision.inventory import build_inventory, required_secrets
from provision.models.inventory import CertificateFiles, InventoryInput
from provision.models.plan import Plan
from provision.models.sites import SitePaths
from provision.pipeline.lab_model import describe_lab_model
from provision.pipeline.open_webui_admin import CHANGE
from provision.planner import build_plan
from provision.planner.network import _SITES
from provision.planner.routing import DECISION_SERVICE
from provision.profile import load_profile
from provision.verify.web_challenge import APPROVE, FORM, REVIEW
from provision.verify.web_challenge import CLOSED as CLOSED_PATHS
from provision.verify.web_chat import CHAT, MODELS, SIGN_UP
from provision.verify.web_document import FILES
from provision.verify.web_session import SIGN_IN
from provision.verify.web_workflow import LOGIN, WEBHOOK

ACME = {
    "source": "acme",
    "directory": "https://ca.example.org/acme/directory",
    "email": "ops@example.org",
    "addresses": ["192.0.2.7"],
}
SUPPLIED = {"source": "supplied", "certificate": "/etc/site.crt", "key": "/etc/site.key"}
SIGN_ON = {"url": "http://auth.house:9091/verify", "addresses": ["10.42.0.99"], "headers": ["Remote-User"]}


def plan_of(folder: Path, domain: str = "ai.example.org", lab: bool = False, **access: Any) -> Plan:
    path = folder / "profile.yml"
    path.write_text(
        yaml.safe_dump({"name": "way-in", "extends": "cpu-small", "network": {"domain": domain}, "access": access})
    )
    loaded = load_profile(str(path), overrides=()).profile
    model = describe_lab_model(load_catalog()) if lab else None
    return build_plan(loaded, load_catalog(), client="acme", target="lab" if lab else "live", lab=model)


def all_of(error: BaseException) -> list[ProvisionError]:
    if isinstance(error, ErrorGroup):
        return list(error.errors)
    assert isinstance(error, ProvisionError)
    return [error]


def gateway_vars(plan: Plan, given: InventoryInput | None = None) -> dict[str, Any]:
    machine = next(service.machine for service in plan.services if service.name == "caddy")
    return build_inventory(plan, given or InventoryInput()).host_vars[machine]


def test_the_own_authority_opens_nothing_outside_and_vouches_for_the_address(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert plan.outside == ()
    assert {flow.port for flow in plan.flows if flow.source == "world"} == {443, 8443, 9443, 9445}
    chat, flows, metrics, challenge = plan.sites
    assert metrics.url == f"https://{metrics.address}:9443/"
    assert challenge.url == f"https://{challenge.address}:9445/"
    assert (chat.url, flows.url) == (f"https://{chat.address}/", f"https://{chat.address}:8443/")


def test_the_pages_of_the_decision_layer_are_a_site_and_nothing_else_of_it(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, challenge_port=9500)
    (site,) = (site for site in gateway_vars(plan)["caddy_sites"] if site["name"] == "challenge")
    layer = next(service for service in plan.services if service.name == "decision_layer")
    address = next(machine.address for machine in plan.machines if machine.name == layer.machine)
    assert (site["port"], site["upstream"], site["start"]) == (9500, f"{address}:{layer.port}", "/challenge")
    assert (site["health"], site["never"]) == ([], [])
    assert all(path == "/" or path.startswith(("/challenge", "/review", "/approve/")) for path in site["paths"])


def test_a_challenge_that_reaches_nobody_is_a_warning(tmp_path: Path) -> None:
    named = plan_of(tmp_path)
    assert named.routing.reviewers == ("admin",)
    assert "routing.reviewers" not in {finding.where for finding in named.findings}
    path = tmp_path / "nobody.yml"
    path.write_text(yaml.safe_dump({"name": "nobody", "extends": "cpu-small", "routing": {"reviewers": []}}))
    profile = load_profile(str(path), overrides=()).profile
    plan = build_plan(profile, load_catalog(), client="acme", target="live", lab=None)
    (found,) = (finding for finding in plan.findings if finding.where == "routing.reviewers")
    assert (found.severity, "reaches nobody" in found.what) == ("warning", True)


def test_acme_opens_its_server_alone_and_sites_go_by_name(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, certificate=ACME)
    (outside,) = plan.outside
    assert (outside.host, [str(a) for a in outside.addresses], outside.port) == ("ca.example.org", ["192.0.2.7"], 443)
    assert plan.sites[0].url == "https://chat.ai.example.org/"
    assert [finding.what for finding in plan.findings if "ca.example.org" in finding.what] == [
        "'gateway' may open connections to ca.example.org (192.0.2.7, port 443): certificates by ACME"
    ]
    values = gateway_vars(plan)
    assert [rule for rule in values["base_outbound"] if "192.0.2.7/32" in rule["destinations"]] == [
        {"destinations": ["192.0.2.7/32"], "port": 443, "protocol": "tcp", "purpose": "certificates by ACME"}
    ]
    assert {"address": "192.0.2.7", "names": ["ca.example.org"]} in values["base_hosts"]
    others = [v for v in build_inventory(plan, InventoryInput()).host_vars.values() if "caddy_sites" not in v]
    assert "192.0.2.7" not in str(others)


def test_port_80_is_open_for_http_01_alone(tmp_path: Path) -> None:
    by_http = plan_of(tmp_path, certificate=ACME | {"challenge": "http-01"})
    assert 80 in {flow.port for flow in by_http.flows if flow.source == "world"}
    assert gateway_vars(by_http)["caddy_redirect"] is True
    by_tls = plan_of(tmp_path, certificate=ACME)
    assert 80 not in {flow.port for flow in by_tls.flows}
    assert gateway_vars(by_tls)["caddy_redirect"] is False


@pytest.mark.parametrize(
    ("access", "domain", "said"),
    [
        ({"certificate": {"source": "acme"}}, "ai.example.org", ["needs directory", "needs email", "needs addresses"]),
        ({"certificate": ACME}, "ai.internal", ["no public CA vouches"]),
        ({"certificate": ACME}, "house", ["no public CA vouches"]),
        ({"certificate": ACME, "chat_port": 8444}, "ai.example.org", ["no site is there"]),
        ({"certificate": {"source": "supplied", "key": "/k"}}, "ai.internal", ["needs certificate"]),
        ({"certificate": ACME | {"source": "own"}}, "ai.internal", ["addresses is given", "directory is", "email is"]),
        (
            {"certificate": ACME | {"challenge": "http-01"}, "flows_port": 80},
            "ai.example.org",
            ["port 80 of 'gateway' is wanted by site flows"],
        ),
    ],
)
def test_what_is_missing_or_too_much_is_said(
    tmp_path: Path, access: dict[str, Any], domain: str, said: list[str]
) -> None:
    with pytest.raises((ErrorGroup, PlanError)) as caught:
        plan_of(tmp_path, domain, **access)
    errors = all_of(caught.value)
    assert len(errors) == len(said)
    assert all(text in error.what and error.hint for text, error in zip(said, errors, strict=True))


def test_an_authority_of_ones_own_may_vouch_for_private_names(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "ai.internal", certificate=ACME | {"authority": "/etc/root.pem"})
    given = InventoryInput(certificate=CertificateFiles(authority="PEM"))
    assert gateway_vars(plan, given)["caddy_acme"]["authority"] == "PEM"


def test_a_supplied_key_is_a_secret_that_nobody_makes(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, certificate=SUPPLIED)
    assert required_secrets(plan)["caddy_site_key"] == "supplied"
    assert "caddy_site_key" not in required_secrets(plan_of(tmp_path))


def test_sign_on_is_off_unless_asked_for(tmp_path: Path) -> None:
    assert "caddy_sign_on" not in gateway_vars(plan_of(tmp_path))
    plan = plan_of(tmp_path, sign_on=SIGN_ON)
    assert gateway_vars(plan)["caddy_sign_on"] == {
        "service": "http://auth.house:9091",
        "path": "/verify",
        "headers": ["Remote-User"],
    }
    assert [(outside.host, outside.port) for outside in plan.outside] == [("auth.house", 9091)]


def test_the_lab_has_nobody_outside_and_says_so(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, certificate=ACME, sign_on=SIGN_ON, lab=True)
    assert (plan.certificate.source, plan.sign_on, plan.outside) == ("own", None, ())
    assert plan.sites[0].url == f"https://{plan.sites[0].address}/"
    assert [finding.where for finding in plan.findings][:2] == ["access.certificate", "access.sign_on"]
    assert plan_of(tmp_path, certificate=SUPPLIED, lab=True).certificate.source == "supplied"


def test_every_site_says_which_paths_it_has_and_from_where_that_is_known(tmp_path: Path) -> None:
    """A site without a list would answer nothing but 404."""
    for service, _ in _SITES.values():
        paths = load_catalog().services[service].site
        assert paths is not None, f"{service} is a site: give it paths in services.yml"
        assert paths.source
        # The decision layer's own /health tells how many records there are: nobody outside needs it.
        assert paths.health or service == DECISION_SERVICE
        assert "/" in paths.paths
        assert paths.start is None or passes(paths, paths.start)
        assert "/*" not in paths.paths
    assert gateway_vars(plan_of(tmp_path))["caddy_sites"][0]["paths"]


def passes(paths: SitePaths, path: str) -> bool:
    """As Caddy's `path` matcher decides: a `*` at the end is whatever follows, elsewhere it stays within a part."""

    def matches(pattern: str) -> bool:
        text = "".join("[^/]*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", pattern.rstrip("*")))
        return re.fullmatch(text + (".*" if pattern.endswith("*") else ""), path, re.IGNORECASE) is not None

    return any(map(matches, (*paths.health, *paths.paths))) and not any(map(matches, paths.never))


NEEDED = {
    "open_webui": (SIGN_IN, SIGN_UP, MODELS, CHAT, FILES + "0f", CHANGE, "/", "/health", "/_app/immutable/entry/a.js",
                   "/ws/socket.io/", "/static/favicon.png", "/c/0f", "/api/config", "/api/v1/users/user/settings"),
    "n8n": (WEBHOOK, LOGIN, "/", "/healthz", "/assets/index.js", "/rest/settings", "/rest/push", "/types/nodes.json",
            "/tree-sitter-bash.wasm", "/home/workflows", "/workflow/1f", "/signin", "/rest/workflows"),
    "decision_layer": (FORM, REVIEW, APPROVE, "/", "/challenge/status", "/review/0f"),
}  # fmt: skip
CLOSED = {
    "open_webui": ("/docs", "/openapi.json", "/ollama/api/pull", "/openai/config", "/api/v1/utils/db/download",
                   "/api/v1/functions/create", "/api/v1/tools/id/x/update", "/api/v1/configs/export", "/ready",
                   "/api/v1/auths/admin/config", "/api/v1/pipelines/upload", "/api/models/unload"),
    "n8n": ("/metrics", "/api/v1/workflows", "/mcp/x", "/rest/e2e/reset", "/rest/community-packages",
            "/rest/api-keys", "/rest/encryption/keys", "/healthz/x", "/credentials-overwrites"),
    "decision_layer": (*CLOSED_PATHS, "/challenge/x", "/challenges", "/v1", "/v1/embeddings", "/v1/messages"),
}  # fmt: skip


@pytest.mark.parametrize("service", NEEDED)
def test_what_verify_and_the_pages_ask_passes_and_administration_does_not(service: str) -> None:
    paths = load_catalog().services[service].site
    assert paths is not None
    assert [path for path in NEEDED[service] if not passes(paths, path)] == []
    assert [path for path in CLOSED[service] if passes(paths, path)] == []

"""Variables of the role `caddy`: the sites, who vouches for them, and who is asked before each request."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from provision.inventory.observe_vars import gateway_metrics
from provision.inventory.secrets import SITE_KEY
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan, PlannedMachine, PlannedService, Site


def caddy_vars(plan: Plan, machine: PlannedMachine, _service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    wanted = plan.certificate
    variables: dict[str, Any] = {
        "caddy_address": str(machine.address),
        "caddy_sites": [_site(site) for site in plan.sites],
        "caddy_metrics": gateway_metrics(plan, machine),
        "caddy_certificate_source": wanted.source,
    }
    if wanted.source == "acme":
        variables |= {
            "caddy_redirect": wanted.challenge == "http-01",
            "caddy_acme": {
                "directory": wanted.directory,
                "email": wanted.email,
                "challenge": wanted.challenge,
                "authority": given.certificate.authority,
            },
        }
    if wanted.source == "supplied":
        variables |= {"caddy_site_chain": given.certificate.chain, "caddy_site_key": SITE_KEY}
    if plan.sign_on:
        parts = urlsplit(plan.sign_on.url)
        variables["caddy_sign_on"] = {
            "service": f"{parts.scheme}://{parts.netloc}",
            "path": parts.path,
            "headers": list(plan.sign_on.headers),
        }
    return variables


def _site(site: Site) -> dict[str, Any]:
    return {
        **site.model_dump(include={"name", "host", "port", "upstream", "purpose"}),
        "health": list(site.paths.health),
        "paths": list(site.paths.paths),
        "never": list(site.paths.never),
        **({"start": site.paths.start} if site.paths.start else {}),
    }

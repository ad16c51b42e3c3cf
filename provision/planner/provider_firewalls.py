"""What must be open at the firewall before a rented host: the plan's own flows, in the provider's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from provision.models.plan import Finding, Flow
from provision.models.profile import Profile, Provider

_PUBLIC = ("world", "admin", "controller")


class ProviderFirewall(NamedTuple):
    """`how` is the way there and what is particular about it; `source` is where that was read."""

    name: str
    how: str
    source: str


FIREWALLS: dict[Provider, ProviderFirewall] = {
    "hetzner": ProviderFirewall(
        "Hetzner's Robot firewall",
        "Robot > Servers > the server > Firewall, at most 10 rules per direction; it keeps no state, so answers to "
        "what the host asks need rules of their own; IPv6 passes unless 'Filter IPv6 packets' is on",
        "docs.hetzner.com/robot/dedicated-server/firewall",
    ),
    "scaleway": ProviderFirewall(
        "the Instance's security group at Scaleway",
        "Instances > Security groups > Rules: set the inbound default policy to drop, leave it stateful; the default "
        "group is shared by all Instances of the zone, so make one for this Instance",
        "scaleway/docs-content, pages/instances/how-to/use-security-groups.mdx at 46652401",
    ),
    "other": ProviderFirewall(
        "the provider's firewall, where there is one",
        "the machine's own nftables drops everything else in any case",
        "roles/base",
    ),
}


def firewall_finding(profile: Profile, flows: Sequence[Flow]) -> Iterator[Finding]:
    """One note for a host of one's own: every port to open with who may use it, and that all others stay closed."""
    hosts = {machine.name for machine in profile.machines if machine.kind == "host"}
    public = [flow for flow in flows if flow.target in hosts and flow.source in _PUBLIC]
    if profile.platform.kind != "host" or not public:
        return
    firewall = FIREWALLS[profile.platform.provider]
    admins = ", ".join(map(str, profile.network.admin_networks))
    who = {"world": "everyone", "admin": admins, "controller": "the machine that runs provision"}
    ports: dict[tuple[int, str], list[str]] = {}
    for flow in public:
        ports.setdefault((flow.port, flow.protocol), []).append(who[flow.source])
    shown = "; ".join(
        f"{protocol.upper()} {port} from {', '.join(by)}" for (port, protocol), by in sorted(ports.items())
    )
    yield Finding(
        severity="note",
        what=f"{firewall.name} must let in {shown}, and nothing else",
        where="platform.provider",
        hint=f"{firewall.how} ({firewall.source})",
    )

"""A lab's private bridge with NAT, and the host settings that it borrows and gives back."""

from __future__ import annotations

import hashlib
import json
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from provision.errors import SetupError
from provision.lab.borrowed import borrow_settings, return_settings
from provision.lab.commands import run, succeeds
from provision.lab.forwarding import allow_forwarding, withdraw_forwarding
from provision.lab.locks import network_lock

TABLE_PREFIX = "provision_"
HINT = "see `ip address`, `ip route` and `nft list tables`"


class NetworkTakenError(SetupError):
    """The network is in use on this machine by something that is not this lab."""


def bridge_name(lab: str) -> str:
    """`prov` and 8 hex digits of the lab's name: 12 of the 15 characters that a link may have."""
    return f"prov{hashlib.sha256(lab.encode()).hexdigest()[:8]}"


def bridge_address(lab: str) -> str:
    """The bridge's own hardware address: locally administered, from the lab's name.

    Without one of its own a bridge takes the lowest of its ports' (Linux, br_stp_recalculate_bridge_id): each guest
    that came or went could change it, and until their ARP entry expired, up to a minute, the others lost their gateway.
    """
    digest = hashlib.sha256(lab.encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


def table_name(lab: str) -> str:
    return f"{TABLE_PREFIX}{lab}"


def gateway_of(network: IPv4Network) -> IPv4Address:
    """The first host address of the network is the bridge's."""
    return network.network_address + 1


def ensure_network(lab: str, network: IPv4Network) -> None:
    """Bring up the bridge, its address, NAT and forwarding; leaves what is already right as it is.

    Raises NetworkTakenError when the network overlaps an address or a route of this machine that is not this lab's.
    """
    with network_lock():
        refuse_overlap(network, bridge_name(lab))
        borrow_settings()
        _ensure_bridge(lab, IPv4Interface(f"{gateway_of(network)}/{network.prefixlen}"))
        run(["nft", "-f", "-"], text=nft_rules(lab, network), hint="check `nft list ruleset`")
        allow_forwarding(bridge_name(lab), table_name(lab))


def remove_network(lab: str) -> None:
    """Remove bridge and firewall table by name; with the last lab's table, put the borrowed settings back."""
    with network_lock(forget=True):
        withdraw_forwarding(table_name(lab))
        run(["nft", "-f", "-"], text=_table_removal(lab), hint="check `nft list ruleset`")
        if succeeds(["ip", "link", "show", "dev", bridge_name(lab)]):
            run(["ip", "link", "delete", "dev", bridge_name(lab)], hint=HINT)
        if not _any_lab_table():
            return_settings()


def refuse_overlap(network: IPv4Network, own_bridge: str) -> None:
    """Raise NetworkTakenError when `network` shares an address with what this machine already reaches otherwise."""
    for taken, owner in taken_networks():
        if owner != own_bridge and taken.overlaps(network):
            raise NetworkTakenError(
                f"the lab's network {network} overlaps {taken}, which is in use",
                where=f"link {owner} of this machine",
                hint="choose another private network for this lab, or take down the lab that has it",
            )


def taken_networks() -> tuple[tuple[IPv4Network, str], ...]:
    """Every network that this machine has an address in or a route to (default routes apart), with its link."""
    found: list[tuple[IPv4Network, str]] = []
    for link in _ip_json("address", "show"):
        for entry in link.get("addr_info", []):
            if entry.get("family") == "inet" and "local" in entry:
                text = f"{entry['local']}/{entry['prefixlen']}"
                found.append((IPv4Interface(text).network, str(link["ifname"])))
    for route in _ip_json("route", "show", "table", "main"):
        if route.get("dst", "default") != "default":
            found.append((IPv4Network(route["dst"], strict=False), str(route.get("dev", "none"))))
    return tuple(found)


def nft_rules(lab: str, network: IPv4Network) -> str:
    """The lab's whole firewall table, replaced in one transaction.

    Guests of one lab reach each other and, by NAT, what this machine reaches. Nothing but answers comes in over
    the bridge, so guests of two labs do not reach each other.
    """
    table, bridge = table_name(lab), bridge_name(lab)
    return f"""{_table_removal(lab)}
table ip {table} {{
  chain forward {{
    type filter hook forward priority filter; policy accept;
    iifname "{bridge}" oifname "{bridge}" accept
    oifname "{bridge}" ct state established,related accept
    oifname "{bridge}" drop
    iifname "{bridge}" ip saddr != {network} drop
    iifname "{bridge}" tcp flags syn tcp option maxseg size set rt mtu
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {network} oifname != "{bridge}" masquerade
  }}
}}
"""


def _table_removal(lab: str) -> str:
    """Adding before deleting makes the deletion succeed whether or not the table is there."""
    return f"table ip {table_name(lab)}\ndelete table ip {table_name(lab)}"


def _ensure_bridge(lab: str, address: IPv4Interface) -> None:
    bridge, hardware = bridge_name(lab), bridge_address(lab)
    links = {link["ifname"]: link for link in _ip_json("address", "show")}
    if bridge not in links:
        named = ["name", bridge, "address", hardware]
        run(["ip", "link", "add", *named, "type", "bridge", "forward_delay", "0"], hint=HINT)
    elif links[bridge]["address"] != hardware:
        run(["ip", "link", "set", "dev", bridge, "address", hardware], hint=HINT)
    held = {
        f"{entry['local']}/{entry['prefixlen']}"
        for entry in links.get(bridge, {}).get("addr_info", [])
        if entry.get("family") == "inet"
    }
    for other in held - {str(address)}:
        run(["ip", "address", "delete", other, "dev", bridge], hint=HINT)
    if str(address) not in held:
        run(["ip", "address", "add", str(address), "dev", bridge], hint=HINT)
    run(["ip", "link", "set", "dev", bridge, "up"], hint=HINT)


def _ip_json(*words: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(run(["ip", "-json", *words], hint="check iproute2") or "[]")
    return entries


def _any_lab_table() -> bool:
    listed = json.loads(run(["nft", "-j", "list", "tables"], hint="check nftables"))
    return any(entry.get("table", {}).get("name", "").startswith(TABLE_PREFIX) for entry in listed.get("nftables", []))

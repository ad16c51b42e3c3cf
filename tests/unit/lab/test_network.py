"""Names, rules and refusals of a lab's network, without touching any."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from provision.errors import SetupError
from provision.lab import free_network as chooser
from provision.lab import network as networks
from provision.lab.forwarding import dropping_chains, marked_rules

LAB_NETWORK = IPv4Network("10.91.3.0/24")


def test_bridge_name_fits_a_link_name_and_differs_per_lab() -> None:
    names = {networks.bridge_name(lab) for lab in ("a", "b", "a" * 40, "t-lab-1")}
    assert len(names) == 4
    assert all(len(name) == 12 and name.startswith("prov") for name in names)


def test_gateway_is_the_first_host() -> None:
    assert str(networks.gateway_of(LAB_NETWORK)) == "10.91.3.1"


def test_rules_name_only_this_lab_and_drop_what_is_new_from_outside() -> None:
    rules = networks.nft_rules("one", LAB_NETWORK)
    bridge = networks.bridge_name("one")
    assert rules.startswith("table ip provision_one\ndelete table ip provision_one\n")
    accepted, answers, dropped = (
        rules.index(line)
        for line in (
            f'iifname "{bridge}" oifname "{bridge}" accept',
            f'oifname "{bridge}" ct state established,related accept',
            f'oifname "{bridge}" drop',
        )
    )
    assert accepted < answers < dropped
    assert f'ip saddr 10.91.3.0/24 oifname != "{bridge}" masquerade' in rules


def use_taken(monkeypatch: pytest.MonkeyPatch, *taken: tuple[str, str]) -> None:
    found = tuple((IPv4Network(network), link) for network, link in taken)
    monkeypatch.setattr(networks, "taken_networks", lambda: found)
    monkeypatch.setattr(chooser, "taken_networks", lambda: found)
    monkeypatch.setattr(chooser, "list_labs", lambda: ())


@pytest.mark.parametrize("taken", ["10.91.3.0/24", "10.91.0.0/16", "10.91.3.128/25", "10.91.3.7/32"])
def test_overlap_is_refused_with_its_link(monkeypatch: pytest.MonkeyPatch, taken: str) -> None:
    use_taken(monkeypatch, (taken, "eth7"))
    with pytest.raises(networks.NetworkTakenError) as refused:
        networks.refuse_overlap(LAB_NETWORK, "prov00000000")
    assert taken in refused.value.what
    assert "eth7" in refused.value.where


def test_own_bridge_and_neighbours_are_no_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    use_taken(monkeypatch, ("10.91.3.0/24", "prov00000000"), ("10.91.2.0/24", "eth0"), ("10.91.4.0/24", "eth0"))
    networks.refuse_overlap(LAB_NETWORK, "prov00000000")


def test_free_network_avoids_what_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    within = IPv4Network("10.97.0.0/22")
    use_taken(monkeypatch, ("10.97.0.0/23", "a"), ("10.97.2.9/32", "b"))
    assert {str(chooser.free_network(f"lab{n}", within, 24)) for n in range(20)} == {"10.97.3.0/24"}


def test_free_networks_of_two_labs_mostly_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    use_taken(monkeypatch)
    chosen = {chooser.free_network(f"lab{n}", IPv4Network("10.97.0.0/16"), 24) for n in range(50)}
    assert len(chosen) > 35
    assert all(network.prefixlen == 24 and network.subnet_of(IPv4Network("10.97.0.0/16")) for network in chosen)


def test_no_network_left_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    use_taken(monkeypatch, ("10.0.0.0/8", "vpn0"))
    with pytest.raises(SetupError, match="no free /24"):
        chooser.free_network("lab", IPv4Network("10.97.0.0/16"), 24)


def chain(hook: str | None, policy: str, family: str = "ip") -> dict[str, Any]:
    base = {"hook": hook, "policy": policy} if hook else {}
    return {"chain": {"family": family, "table": "filter", "name": "FORWARD", **base}}


@pytest.mark.parametrize(
    ("entry", "counts"),
    [
        (chain("forward", "drop"), True),
        (chain("forward", "drop", "inet"), True),
        (chain("forward", "accept"), False),
        (chain("input", "drop"), False),
        (chain("forward", "drop", "ip6"), False),
        (chain(None, "drop"), False),
        ({"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 3}}, False),
    ],
)
def test_chains_that_would_drop_a_labs_packets(entry: dict[str, Any], counts: bool) -> None:
    assert bool(dropping_chains([{"metainfo": {}}, entry])) is counts


def test_only_rules_with_the_labs_mark_are_its_own() -> None:
    rules = [
        {"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 4, "comment": "provision_a"}},
        {"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 5, "comment": "provision_ab"}},
        {"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 6}},
    ]
    assert marked_rules(rules, "provision_a") == ((("ip", "filter", "FORWARD"), 4),)
    assert marked_rules(rules, "provision_a", ("inet", "other", "forward")) == ()

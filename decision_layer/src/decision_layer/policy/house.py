"""Whether a model that the policy calls home can be in the house, as far as its URL tells."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from decision_layer.policy.shape import Upstream

_NETWORKS = tuple(
    ip_network(network)
    for network in (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # RFC 6598: shared, as private overlays use it
        "169.254.0.0/16",  # RFC 3927
        "fc00::/7",  # RFC 4193
        "fe80::/10",  # RFC 4291
    )
)
"""Not Python's is_private: that has the examples' networks (RFC 5737) and others that are nobody's house."""
_NAMES = ("localhost", "local", "home.arpa", "intranet", "internal", "private", "corp", "home", "lan")
"""No public name ends so: RFC 6761, RFC 6762 (with its appendix G), RFC 8375."""
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
"""A last label of this kind is an address in disguise (134744072 is 8.8.8.8) to the system's resolver."""


def find_stranger(upstream: Upstream) -> str:
    """The host, where nothing says that it is the house's; "" where its address, its name or the firm's own authority
    does: no public provider has a certificate of that one."""
    host = urlsplit(upstream.url).hostname or ""
    if upstream.authority is not None and upstream.url.startswith("https://"):
        return ""
    try:
        address = ip_address(host)
    except ValueError:
        return "" if _is_own_name(host) else host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return "" if any(address in network for network in _NETWORKS) else host


def _is_own_name(host: str) -> bool:
    name = host.rstrip(".")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        return False
    return bool(name) and ("." not in name or any(name.endswith(f".{ending}") for ending in _NAMES))

"""Getting a lab's packets past a firewall of this machine that drops what it forwards.

An `accept` in the lab's own table does not overrule a `drop` in another (nft(8), "verdict"): Docker and ufw set such
a policy. So one accepting rule per direction goes to the top of each such chain, marked with the lab's name, and
is taken away with the lab.
"""

from __future__ import annotations

import json
from typing import Any

from provision.lab.commands import run

HINT = "check `nft list ruleset`"


def allow_forwarding(bridge: str, mark: str) -> None:
    """Insert the lab's accepting rules into every foreign chain that drops forwarded IPv4 packets by policy."""
    ruleset = _ruleset()
    for chain in dropping_chains(ruleset):
        if marked_rules(ruleset, mark, chain):
            continue
        for direction in ("iifname", "oifname"):
            run(["nft", "insert", "rule", *chain, direction, bridge, "accept", "comment", f'"{mark}"'], hint=HINT)


def withdraw_forwarding(mark: str) -> None:
    """Delete every rule that `allow_forwarding` made under this mark."""
    ruleset = _ruleset()
    for chain, handle in marked_rules(ruleset, mark):
        run(["nft", "delete", "rule", *chain, "handle", str(handle)], hint=HINT)


def dropping_chains(ruleset: list[dict[str, Any]]) -> tuple[tuple[str, str, str], ...]:
    """(family, table, chain) of each base chain on the forward hook whose policy is drop."""
    chains = (entry["chain"] for entry in ruleset if "chain" in entry)
    return tuple(
        (chain["family"], chain["table"], chain["name"])
        for chain in chains
        if chain.get("hook") == "forward" and chain.get("policy") == "drop" and chain["family"] in {"ip", "inet"}
    )


def marked_rules(
    ruleset: list[dict[str, Any]], mark: str, within: tuple[str, str, str] | None = None
) -> tuple[tuple[tuple[str, str, str], int], ...]:
    """((family, table, chain), handle) of each rule whose comment is `mark`."""
    rules = (entry["rule"] for entry in ruleset if "rule" in entry)
    found = (
        ((rule["family"], rule["table"], rule["chain"]), int(rule["handle"]))
        for rule in rules
        if rule.get("comment") == mark
    )
    return tuple(entry for entry in found if within is None or entry[0] == within)


def _ruleset() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(run(["nft", "-j", "list", "ruleset"], hint=HINT))["nftables"]
    return entries

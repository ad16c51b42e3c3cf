"""What Prometheus itself says of its targets and rules (its HTTP API v1)."""

from __future__ import annotations

import time

from probe_parts.told import Json, describe
from probe_parts.web import ask_json

SHOWN = 300
WAIT_S = 35
"""A little over two scrape intervals of 15 s (roles/prometheus/defaults)."""


def observe_prometheus(entry: Json) -> Json:
    """After two intervals at most: what was not read yet, or was down a moment ago, may be up by then."""
    deadline = time.monotonic() + WAIT_S
    while True:
        found = ask(entry["url"])
        if found["error"] or is_settled(found) or time.monotonic() > deadline:
            return found
        time.sleep(1)


def ask(url: str) -> Json:
    found: Json = {"url": url, "targets": [], "rules": [], "alertmanagers": [], "error": None}
    try:
        targets = ask_json(f"{url}/api/v1/targets?state=active", "")["data"]["activeTargets"]
        groups = ask_json(f"{url}/api/v1/rules?type=alert", "")["data"]["groups"]
        receivers = ask_json(f"{url}/api/v1/alertmanagers", "")["data"]["activeAlertmanagers"]
        found["targets"] = [describe_target(target) for target in targets]
        found["rules"] = [describe_rule(rule) for group in groups for rule in group["rules"]]
        found["alertmanagers"] = [str(receiver["url"]) for receiver in receivers]
    except Exception as error:
        found["error"] = describe(error)
    return found


def is_settled(found: Json) -> bool:
    """Whether every target is up and every rule was evaluated. False as well where nothing is known yet."""
    healths = [target["health"] for target in found["targets"]]
    rules = [rule["health"] for rule in found["rules"]]
    return bool(healths and rules) and set(healths) == {"up"} and "unknown" not in rules


def describe_target(target: Json) -> Json:
    """`health` is up, down or unknown (not read yet)."""
    labels = target["labels"]
    return {
        "job": str(labels["job"]),
        "name": str(labels.get("target", "")),
        "health": str(target["health"]),
        "error": str(target.get("lastError") or "")[:SHOWN] or None,
    }


def describe_rule(rule: Json) -> Json:
    """`state` is inactive, pending or firing; `health` is ok, err or unknown (not evaluated yet)."""
    return {
        "name": str(rule["name"]),
        "state": str(rule["state"]),
        "health": str(rule["health"]),
        "error": str(rule.get("lastError") or "")[:SHOWN] or None,
    }

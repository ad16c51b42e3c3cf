"""The filter that builds n8n's health report; molecule/n8n runs what it builds."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).parents[3] / "roles" / "n8n" / "filter_plugins" / "n8n_health_report.py"
ENGINES = [
    {
        "name": name,
        "url": f"http://10.0.0.{n}:80/v1",
        "health_url": f"http://10.0.0.{n}:80/health",
        "embeddings": e,
        "key": "canary",
    }
    for n, (name, e) in enumerate([("chat", False), ("search", True), ("code", False)], start=1)
]


@pytest.fixture
def workflow() -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("n8n_health_report", PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    built: dict[str, Any] = module.FilterModule().filters()["n8n_health_report"](ENGINES, "17 3 * * *")
    return built


def test_both_triggers_lead_through_every_engine_to_the_report(workflow: dict[str, Any]) -> None:
    names = [node["name"] for node in workflow["nodes"]]
    assert len(set(names)) == len({node["id"] for node in workflow["nodes"]}) == len(names)
    for trigger in ("Each night", "Now"):
        way = [trigger]
        while way[-1] in workflow["connections"]:
            (((step,),),) = [workflow["connections"][way[-1]]["main"]]
            way.append(step["node"])
        asked = [f"{verb} {engine['name']}" for engine in ENGINES for verb in ("Health of", "Ask", "Row of")]
        assert way == [trigger, "Start", *asked, "Table", "Rows", "Store", "Report"]


def test_each_engine_is_asked_with_its_own_credential_and_no_key_is_in_the_workflow(workflow: dict[str, Any]) -> None:
    asking = [node for node in workflow["nodes"] if node["name"].startswith("Ask ")]
    used = [node["credentials"]["httpBearerAuth"]["id"] for node in asking]
    assert used == ["provisionEngine01", "provisionEngine02", "provisionEngine03"]
    assert [node["parameters"]["url"].rpartition("/v1")[2] for node in asking] == [
        "/chat/completions",
        "/embeddings",
        "/chat/completions",
    ]
    assert "canary" not in json.dumps(workflow)


def test_one_that_is_down_does_not_end_it(workflow: dict[str, Any]) -> None:
    requests = [node for node in workflow["nodes"] if node["type"].endswith(".httpRequest")]
    assert len(requests) == 6
    assert all(node["onError"] == "continueRegularOutput" for node in requests)

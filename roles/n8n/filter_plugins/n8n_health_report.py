"""The workflow that asks every model server how it is: two requests and a row for each, then all rows into a table.

One chain of nodes, since a node of n8n has one credential and every server has a key of its own. What a node's
parameters mean: n8n-nodes-base 2.41.1.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Node = dict[str, Any]
COLUMNS = {
    "engine": "string",
    "healthy": "boolean",
    "answered": "boolean",
    "answer": "string",
    "seconds": "number",
    "problem": "string",
}
TABLE = "model health"
KEY = {"httpHeaderAuth": {"id": "provisionWebhook1", "name": "Key of the sample webhook"}}
WIDTH = 220
LABELS = (("X-Data-Class", "internal"), ("X-Workflow-Step", "health-report"))
"""What the decision layer is told of these questions."""


def build_health_report(engines: Sequence[Mapping[str, Any]], cron: str) -> dict[str, Any]:
    """`engines`: {name, url, health_url, embeddings}, in the order of their credentials; `cron`: when, in UTC."""
    schedule = {"rule": {"interval": [{"field": "cronExpression", "expression": cron}]}}
    hook = {"httpMethod": "POST", "path": "health-report", "authentication": "headerAuth"}
    answer = {"responseMode": "lastNode", "responseData": "firstEntryJson", "options": {}}
    triggers = [
        _node("Each night", "scheduleTrigger", 1.2, schedule),
        _node("Now", "webhook", 2.1, hook | answer) | {"webhookId": "provision-health-report", "credentials": KEY},
    ]
    chain = [_set("Start", [("at", "number", "={{ Date.now() }}")])]
    for number, engine in enumerate(engines, start=1):
        chain += _ask(number, engine, chain[-1]["name"])
    chain += _store([f"Row of {engine['name']}" for engine in engines])
    links = [*((trigger, chain[0]) for trigger in triggers), *itertools.pairwise(chain)]
    return {
        "id": "provisionSample03",
        "name": "Nightly health report of the models (sample)",
        "active": False,
        "settings": {"executionOrder": "v1", "timezone": "Etc/UTC"},
        "nodes": list(_place(triggers, 0)) + list(_place(chain, WIDTH)),
        "connections": {
            source["name"]: {"main": [[{"node": target["name"], "type": "main", "index": 0}]]}
            for source, target in links
        },
    }


def _ask(number: int, engine: Mapping[str, Any], before: str) -> Iterator[Node]:
    """Health, a short question, and what came of both. A failure is a row too: no node ends the workflow."""
    name = engine["name"]
    kept = {"fullResponse": True, "neverError": True, "responseFormat": "text"}
    request = {"url": engine["health_url"], "options": {"timeout": 10000, "response": {"response": kept}}}
    yield _node(f"Health of {name}", "httpRequest", 4.2, request) | {"onError": "continueRegularOutput"}
    if engine["embeddings"]:
        path, question = "/embeddings", {"input": "How are you?"}
        answer = '($json.data?.[0]?.embedding?.length ? $json.data[0].embedding.length + " dimensions" : "")'
    else:
        path = "/chat/completions"
        question = {"messages": [{"role": "user", "content": "How are you?"}], "max_tokens": 16, "temperature": 0}
        answer = '($json.choices?.[0]?.message?.content ?? "")'
    request = {
        "method": "POST",
        "url": engine["url"] + path,
        "authentication": "genericCredentialType",
        "genericAuthType": "httpBearerAuth",
        "sendHeaders": True,
        "headerParameters": {"parameters": [dict(zip(("name", "value"), label, strict=True)) for label in LABELS]},
        "sendBody": True,
        "specifyBody": "json",
        "jsonBody": json.dumps({"model": name} | question),
        "options": {"timeout": 300000},
    }
    credential = {"httpBearerAuth": {"id": f"provisionEngine{number:02}", "name": f"Model {name}"}}
    yield _node(f"Ask {name}", "httpRequest", 4.2, request) | {
        "onError": "continueRegularOutput",
        "credentials": credential,
    }
    health = f"$('Health of {name}').first().json"
    failed = f"$json.error?.message ?? $json.error ?? {health}.error?.message ?? {health}.error"
    yield _set(
        f"Row of {name}",
        [
            ("at", "number", "={{ Date.now() }}"),
            ("engine", "string", name),
            ("healthy", "boolean", f"={{{{ {health}.statusCode === 200 }}}}"),
            ("answered", "boolean", f"={{{{ {answer}.length > 0 }}}}"),
            ("answer", "string", f"={{{{ {answer}.slice(0, 200) }}}}"),
            ("seconds", "number", f"={{{{ (Date.now() - $('{before}').first().json.at) / 1000 }}}}"),
            ("problem", "string", f'={{{{ String({failed} ?? "").slice(0, 200) }}}}'),
        ],
    )


def _store(rows: list[str]) -> Iterator[Node]:
    """Make the table where it is not there, put the rows in, and hand on what the database then holds of them."""
    columns = [{"name": name, "type": kind} for name, kind in COLUMNS.items()]
    made = {"resource": "table", "operation": "create", "tableName": TABLE, "columns": {"column": columns}}
    yield _node("Table", "dataTable", 1.1, made | {"options": {"createIfNotExists": True}})
    code = f"return {json.dumps(rows)}.map((name) => {{\n  const {{ at, ...row }} = $(name).first().json;\n"
    yield _node("Rows", "code", 2, {"jsCode": code + "  return { json: row };\n});"})
    table = {"__rl": True, "mode": "id", "value": "={{ $('Table').first().json.id }}"}
    mapping = {"mappingMode": "autoMapInputData", "value": {}, "matchingColumns": [], "schema": []}
    insert = {"resource": "row", "operation": "insert", "dataTableId": table, "columns": mapping, "options": {}}
    yield _node("Store", "dataTable", 1.1, insert)
    gather = {"aggregate": "aggregateAllItemData", "destinationFieldName": "engines", "options": {}}
    yield _node("Report", "aggregate", 1, gather)


def _set(name: str, values: list[tuple[str, str, str]]) -> Node:
    assignments = [{"id": key, "name": key, "type": kind, "value": value} for key, kind, value in values]
    return _node(name, "set", 3.4, {"assignments": {"assignments": assignments}, "options": {}})


def _node(name: str, kind: str, version: float, parameters: Mapping[str, Any]) -> Node:
    return {
        "id": name.lower().replace(" ", "-"),
        "name": name,
        "type": f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "parameters": dict(parameters),
    }


def _place(nodes: Sequence[Node], left: int) -> Iterator[Node]:
    """From left to right; the triggers, at 0, one above the other."""
    for index, node in enumerate(nodes):
        yield node | {"position": [left + index * WIDTH, 0] if left else [0, index * 180 - 90]}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"n8n_health_report": build_health_report}

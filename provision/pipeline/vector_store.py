"""Ask the vector store on its own machine, over ssh: its port is closed to the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from provision.models.observation_web import VectorStoreObservation
from provision.models.plan import Plan
from provision.pipeline.machine_question import ask_machine

COLLECTION, TENANT = "open-webui_files", "file-{}"
"""Where Open WebUI 0.12.4 keeps the vectors of one file (retrieval/vector/dbs/qdrant_multitenancy.py)."""
TIMEOUT_S = 60

_SCRIPT = r"""
import json, sys, urllib.error, urllib.request
base, collection, tenant = sys.argv[1:]
key = sys.stdin.read()
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def ask(method, path, key=None, body=None):
    headers = {"Content-Type": "application/json"} | ({"api-key": key} if key else {})
    data = None if body is None else json.dumps(body).encode()
    try:
        answer = opener.open(urllib.request.Request(base + path, data, headers, method=method), timeout=20)
        return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, {}
seen = {}
try:
    about = ask("GET", "/")[1]
    seen = {"title": about.get("title", ""), "version": about.get("version", "")}
    seen["without_key"] = ask("GET", "/collections")[0]
    seen["write_by_reader"] = ask("DELETE", "/collections/provision-verify-none", key)[0]
    wanted = {"must": [{"key": "tenant_id", "match": {"value": tenant}}]}
    path = "/collections/" + collection + "/points/count"
    status, counted = ask("POST", path, key, {"filter": wanted, "exact": True})
    if status == 200:
        seen["points"] = counted["result"]["count"]
    else:
        seen["error"] = f"the count was answered by HTTP {status}"
except (OSError, ValueError, KeyError) as error:
    seen["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(seen))
"""


def store_reader(plan: Plan, secrets: Mapping[str, str]) -> Callable[[str], VectorStoreObservation] | None:
    """Reads the store for one file of Open WebUI, by its id; None where the plan has no Qdrant.

    The read-only key goes by standard input, so that no process list shows it.
    """
    service = next((service for service in plan.services if service.name == "qdrant"), None)
    if service is None:
        return None
    machine = next(machine for machine in plan.machines if machine.name == service.machine)
    url, key = f"http://{machine.address}:{service.port}", secrets["qdrant_read_only_api_key"]

    def read(file: str) -> VectorStoreObservation:
        words = ("python3", "-I", "-c", _SCRIPT, url, COLLECTION, TENANT.format(file))
        return ask_machine(plan, machine.name, words, key, VectorStoreObservation, TIMEOUT_S)

    return read

"""Ask the decision layer on its own machine, over ssh: its port is closed to the controller, and so is its log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from provision.inventory.decision_layer_vars import audit_words
from provision.inventory.secrets import client_secret
from provision.models.endpoints import further_endpoints
from provision.models.observation_decision import DecisionObservation
from provision.models.plan import Plan
from provision.pipeline.machine_question import ask_machine

TIMEOUT_S = 300
ANSWER_S = 120
"""The longest that the script waits for one answer."""
SERVICE = "decision_layer"
ACCOUNT = "DE89370400440532013000"
"""The example IBAN of ECBS and of Wikipedia's article: its checksum is valid, and nobody has it."""

_SCRIPT = r"""
import json, subprocess, sys, time, urllib.error, urllib.request
import yaml
base, model, account, promised, *place = sys.argv[1:]
key = sys.stdin.read()
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def ask(path, body, headers):
    started = time.monotonic()
    step, given, told = {}, {}, {}
    headers = {"Content-Type": "application/json"} | headers
    request = urllib.request.Request(base + path, json.dumps({"temperature": 0} | body).encode(), headers)
    try:
        answer = opener.open(request, timeout=120)
        given, step["status"] = answer.headers, answer.status
        told = json.load(answer)
    except urllib.error.HTTPError as error:
        given, step["status"] = error.headers, error.code
        step["detail"] = error.read(200).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        step["error"] = f"{type(error).__name__}: {error}"
    step["seconds"] = round(time.monotonic() - started, 3)
    named = {"data_class": "X-Data-Class", "zone": "X-Zone", "model": "X-Model", "rule": "X-Rule",
             "record": "X-Decision-Record"}
    return {"step": step} | {name: given.get(header) or "" for name, header in named.items()}, told
def chat(body, headers):
    seen, told = ask("/v1/chat/completions", {"max_tokens": 32} | body, headers)
    try:
        seen["text"] = (told["choices"][0]["message"]["content"] or "")[:200] if told else ""
    except (KeyError, IndexError, TypeError) as error:
        seen["step"]["error"] = f"{type(error).__name__}: {error}"
    return seen
def ask_by(endpoint, model):
    asked = {"responses": {"input": QUESTION, "max_output_tokens": 32},
             "messages": {"messages": say(QUESTION), "max_tokens": 32}}
    answer, told = ask("/v1/" + endpoint, {"model": model} | asked[endpoint], bearer | plainly)
    told = told if isinstance(told, dict) else {}
    form, usage = told.get("object") or told.get("type") or "", told.get("usage") or {}
    return {"model": model, "endpoint": endpoint, "answer": answer, "form": form,
            "output_tokens": usage.get("output_tokens") or 0}
def audit(*words):
    argv = ["/opt/decision-layer/current/bin/decision-layer", "audit", *words]
    argv[3:3] = ["--directory", "/var/lib/decision-layer/audit", *place]
    return subprocess.run(argv, capture_output=True, text=True, timeout=240)
def read(record):
    done = audit("show", record)
    if done.returncode:
        return {"error": done.stderr.strip()[-160:]}
    entries, decoder, rest = [], json.JSONDecoder(), done.stdout.strip()
    while rest:
        entry, end = decoder.raw_decode(rest)
        entries.append(entry)
        rest = rest[end:].lstrip()
    decision, chosen = entries[0], entries[0].get("chosen") or {}
    results = [entry["result"] for entry in entries[1:] if "result" in entry]
    return {"data_class": decision["effective_class"], "zone": chosen.get("zone", ""), "model": chosen.get("model", ""),
            "result": results[-1] if results else ""}
QUESTION = "Name the capital of France."
bearer = {"Authorization": "Bearer " + key}
plainly = {"X-Data-Class": "internal", "X-Workflow-Step": "verify"}
def say(text):
    return [{"role": "user", "content": text}]
seen = {}
try:
    policy = yaml.safe_load(open("/etc/decision-layer/policy.yml"))
    seen["home_zones"] = [zone["name"] for zone in policy["zones"] if zone.get("home")]
    plain = {"model": model, "messages": say(QUESTION)}
    seen["plain"] = chat(plain, bearer | plainly)
    secret = {"model": "auto", "messages": say("Please pay to the account " + account + ".")}
    seen["confidential"] = chat(secret, bearer | {"X-Data-Class": "public", "X-Workflow-Step": "verify"})
    seen["without_key"] = chat(plain, {})["step"].get("status")
    if seen["plain"]["record"]:
        seen["record"] = read(seen["plain"]["record"])
    whole = audit("verify", "--second-place", "/var/lib/decision-layer-checkpoints",
                  "--key", "/etc/decision-layer/credentials/audit")
    seen["chain_whole"] = {0: True, 1: False}.get(whole.returncode)
    lines = (whole.stdout.strip() or whole.stderr.strip()).splitlines()
    told = [line for line in lines if "whole:" in line.lower()]
    seen["chain"] = " ".join((told or lines[-1:] or ["it said nothing"])[0].split())[:200]
    ways = json.loads(promised) if seen["plain"]["step"].get("status") == 200 else []
    seen["endpoints"] = []
    for endpoint, name in ways:
        seen["endpoints"].append(ask_by(endpoint, name))
        if "status" not in seen["endpoints"][-1]["answer"]["step"]:
            break
except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
    seen["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(seen))
"""


def decision_prober(plan: Plan, secrets: Mapping[str, str]) -> Callable[[], DecisionObservation] | None:
    """Asks once, with the key of the client `verify`; None where the plan has no decision layer.

    The key goes by standard input, so that no process list shows it.
    """
    service = next((service for service in plan.services if service.name == SERVICE), None)
    if service is None or not plan.text_engines:
        return None
    machine = next(machine for machine in plan.machines if machine.name == service.machine)
    url, key = f"http://{machine.address}:{service.port}", secrets[client_secret("verify").name]
    python, first = "/opt/decision-layer/current/bin/python", plan.text_engines[0].served_name
    ways = [(way, engine.served_name) for engine in plan.text_engines for way in further_endpoints(engine)]
    words = (python, "-I", "-c", _SCRIPT, url, first, ACCOUNT, json.dumps(ways), *audit_words(plan))
    limit_s = TIMEOUT_S + len(ways) * ANSWER_S

    def probe() -> DecisionObservation:
        return ask_machine(plan, machine.name, words, key, DecisionObservation, limit_s)

    return probe

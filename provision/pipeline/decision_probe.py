"""Ask the decision layer on its own machine, over ssh: its port is closed to the controller, and so is its log."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from provision.inventory.decision_layer_vars import audit_words
from provision.inventory.secrets import client_secret
from provision.models.observation_decision import DecisionObservation
from provision.models.plan import Plan
from provision.pipeline.machine_question import ask_machine

TIMEOUT_S = 300
SERVICE = "decision_layer"
ACCOUNT = "DE89370400440532013000"
"""The example IBAN of ECBS and of Wikipedia's article: its checksum is valid, and nobody has it."""

_SCRIPT = r"""
import json, subprocess, sys, time, urllib.error, urllib.request
import yaml
base, model, account, *place = sys.argv[1:]
key = sys.stdin.read()
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def ask(body, headers):
    started = time.monotonic()
    step, given, text = {}, {}, ""
    data = json.dumps({"max_tokens": 32, "temperature": 0} | body).encode()
    headers = {"Content-Type": "application/json"} | headers
    request = urllib.request.Request(base + "/v1/chat/completions", data, headers)
    try:
        answer = opener.open(request, timeout=120)
        given, step["status"] = answer.headers, answer.status
        text = json.load(answer)["choices"][0]["message"]["content"] or ""
    except urllib.error.HTTPError as error:
        given, step["status"] = error.headers, error.code
        step["detail"] = error.read(200).decode("utf-8", "replace")
    except (OSError, ValueError, KeyError, IndexError) as error:
        step["error"] = f"{type(error).__name__}: {error}"
    step["seconds"] = round(time.monotonic() - started, 3)
    named = {"data_class": "X-Data-Class", "zone": "X-Zone", "model": "X-Model", "rule": "X-Rule",
             "record": "X-Decision-Record"}
    return {"step": step, "text": text[:200]} | {name: given.get(header) or "" for name, header in named.items()}
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
bearer = {"Authorization": "Bearer " + key}
def say(text):
    return [{"role": "user", "content": text}]
seen = {}
try:
    policy = yaml.safe_load(open("/etc/decision-layer/policy.yml"))
    seen["home_zones"] = [zone["name"] for zone in policy["zones"] if zone.get("home")]
    plain = {"model": model, "messages": say("Name the capital of France.")}
    seen["plain"] = ask(plain, bearer | {"X-Data-Class": "internal", "X-Workflow-Step": "verify"})
    secret = {"model": "auto", "messages": say("Please pay to the account " + account + ".")}
    seen["confidential"] = ask(secret, bearer | {"X-Data-Class": "public", "X-Workflow-Step": "verify"})
    seen["without_key"] = ask(plain, {})["step"].get("status")
    if seen["plain"]["record"]:
        seen["record"] = read(seen["plain"]["record"])
    whole = audit("verify", "--second-place", "/var/lib/decision-layer-checkpoints",
                  "--key", "/etc/decision-layer/credentials/audit")
    seen["chain_whole"] = {0: True, 1: False}.get(whole.returncode)
    lines = (whole.stdout.strip() or whole.stderr.strip()).splitlines()
    told = [line for line in lines if "whole:" in line.lower()]
    seen["chain"] = " ".join((told or lines[-1:] or ["it said nothing"])[0].split())[:200]
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
    python = "/opt/decision-layer/current/bin/python"
    words = (python, "-I", "-c", _SCRIPT, url, plan.text_engines[0].served_name, ACCOUNT, *audit_words(plan))

    def probe() -> DecisionObservation:
        return ask_machine(plan, machine.name, words, key, DecisionObservation, TIMEOUT_S)

    return probe

"""A model on the machine's Ollama server, asked on loopback: its front lets nothing of this through."""

from __future__ import annotations

import time

from probe_parts.engine import ANSWER_TIMEOUT_S, TEXT, find_unit, observe_embedding
from probe_parts.process import PROC, observe_process, split_zero
from probe_parts.told import Json, describe
from probe_parts.web import ask_json, observe_http

MIB = 2**20
NS = 1e9
SLOTS = "OLLAMA_NUM_PARALLEL="


def observe_ollama(entry: Json) -> Json:
    """As `observe_engine`. `entry`: api (loopback), model_file and sha256 as planned, beside the common keys."""
    api, unit = entry["api"].rstrip("/"), entry.get("unit")
    engine: Json = {"name": entry["name"], "url": entry["url"], "unit": unit, "speed": None, "embedding": None}
    shown, unit_error = find_unit(unit)
    # Through the front: that clients can come in is part of health.
    engine["health"] = observe_http({"name": entry["name"], "url": f"{entry['url'].rstrip('/')}/api/version"})
    engine["process"] = observe_process(shown, unit_error)
    # One journal for all its models: what this one holds is asked, not read there.
    engine["load"] = {"buffers": [], "error": None}
    engine["props"] = {**observe_model(api, entry), "slots": read_slots(engine["process"]["pid"])}
    if entry.get("embeddings"):
        engine["embedding"] = observe_embedding(api, "", None, entry["name"])
    elif engine["health"]["ok"] and entry.get("completion_tokens", 64):
        engine["speed"] = observe_speed(api, entry["name"], entry.get("completion_tokens", 64))
    return engine


def observe_model(api: str, entry: Json) -> Json:
    """What /api/show and /api/ps tell: its file by digest, its context, and how much of it is on cards."""
    found: Json = {"model_ids": [], "error": None}
    try:
        shown = ask_json(f"{api}/api/show", "", {"model": entry["name"]})
        origins = [line for line in shown.get("modelfile", "").splitlines() if line.startswith("FROM ")]
        blob = origins[0].rsplit("/", 1)[-1] if origins else ""
        # Named as in the plan only where the digest is the planned one.
        found["model_path"] = entry["model_file"] if blob == f"sha256-{entry['sha256']}" else blob
        loaded = ask_json(f"{api}/api/ps", "").get("models") or []
        found["model_ids"] = [model["name"] for model in loaded]
        own = [model for model in loaded if model["name"].removesuffix(":latest") == entry["name"]]
        if not own:
            raise ValueError(f"'{entry['name']}' is not loaded")
        found["context_tokens"] = own[0].get("context_length")
        found["size_mib"] = round(own[0]["size"] / MIB)
        found["size_vram_mib"] = round(own[0]["size_vram"] / MIB)
    except Exception as error:
        found["error"] = describe(error)
    return found


def read_slots(pid: int | None) -> int | None:
    """What the running server was told at its start; Ollama's API does not tell it."""
    try:
        told = [text for text in split_zero(PROC / str(pid) / "environ") if text.startswith(SLOTS)]
        return int(told[0].removeprefix(SLOTS)) if told else None
    except (OSError, ValueError):
        return None


def observe_speed(api: str, name: str, tokens: int) -> Json:
    """One completion; the counts and durations (ns) are the server's own."""
    body = {"model": name, "prompt": TEXT, "raw": True, "stream": False, "keep_alive": -1}
    body["options"] = {"num_predict": tokens, "temperature": 0}
    started = time.monotonic()
    try:
        told = ask_json(f"{api}/api/generate", "", body, ANSWER_TIMEOUT_S)
        return {
            "prompt_tokens": told["prompt_eval_count"],
            "predicted_tokens": told["eval_count"],
            "prompt_tok_s": round(told["prompt_eval_count"] / told["prompt_eval_duration"] * NS, 2),
            "predicted_tok_s": round(told["eval_count"] / told["eval_duration"] * NS, 2),
            "latency_ms": round((time.monotonic() - started) * 1000, 1),
            "error": None,
        }
    except Exception as error:
        return {"error": describe(error)}

"""What a vLLM server answers: it has no /props, so its own list of models and its process's arguments are asked."""

from __future__ import annotations

import itertools
import time

from probe_parts.told import Json, describe
from probe_parts.web import ask_json


def observe_vllm_props(url: str, key: str, key_error: str | None, process: Json) -> Json:
    """`root` is the folder that it loaded; its number of slots is told on no page, but on its command line."""
    found: Json = {"model_ids": [], "error": key_error}
    try:
        models = ask_json(f"{url}/v1/models", key)["data"]
        found["model_ids"] = [model["id"] for model in models]
        found["model_path"] = models[0].get("root")
        found["context_tokens"] = models[0].get("max_model_len")
        found["slots"] = read_slots(process.get("arguments") or [])
    except Exception as error:
        found["error"] = "; ".join(filter(None, [key_error, describe(error)]))
    return found


def read_slots(arguments: list[str]) -> int | None:
    """--max-num-seqs of a command line."""
    named = [value for flag, value in itertools.pairwise(arguments) if flag == "--max-num-seqs"]
    return int(named[-1]) if named and named[-1].isdigit() else None


def observe_vllm_speed(url: str, key: str, key_error: str | None, model: str, ask: Json, timeout_s: float) -> Json:
    """One completion of exactly `ask["tokens"]`; timed here, the prompt's reading included: vLLM tells no timings."""
    body = {"model": model, "prompt": ask["prompt"], "max_tokens": ask["tokens"], "temperature": 0, "ignore_eos": True}
    started = time.monotonic()
    try:
        usage = ask_json(f"{url}/v1/completions", key, body, timeout_s)["usage"]
    except Exception as error:
        return {"error": "; ".join(filter(None, [key_error, describe(error)]))}
    seconds = time.monotonic() - started
    return {
        "prompt_tokens": usage.get("prompt_tokens"),
        "predicted_tokens": usage.get("completion_tokens"),
        "prompt_tok_s": None,
        "predicted_tok_s": round(usage["completion_tokens"] / seconds, 2) if usage.get("completion_tokens") else None,
        "latency_ms": round(seconds * 1000, 1),
        "error": None,
    }

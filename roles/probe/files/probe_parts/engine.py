"""A model server: what it answers, and how fast."""

from __future__ import annotations

import math
import time
from pathlib import Path

from probe_parts.engine_log import observe_load
from probe_parts.engine_vllm import observe_vllm_props, observe_vllm_speed
from probe_parts.process import observe_process
from probe_parts.told import Json, describe
from probe_parts.units import show_units
from probe_parts.web import ask_json, observe_http

ANSWER_TIMEOUT_S = 180
TEXT = "Describe in plain words how a private language model on its own hardware serves an office."


def observe_engine(entry: Json) -> Json:
    url, unit = entry["url"].rstrip("/"), entry.get("unit")
    engine: Json = {"name": entry["name"], "url": url, "unit": unit, "speed": None, "embedding": None}
    shown, unit_error = find_unit(unit)
    key, key_error = read_key(entry.get("api_key_file"))
    engine["health"] = observe_http({"name": entry["name"], "url": f"{url}/health"})
    engine["process"] = observe_process(shown, unit_error)
    vllm = entry.get("service") == "vllm"
    if vllm:
        engine["load"] = {"buffers": [], "error": None}
        engine["props"] = observe_vllm_props(url, key, key_error, engine["process"])
    else:
        engine["load"] = observe_load(shown, unit_error, entry.get("log_file"))
        engine["props"] = observe_props(url, key, key_error)
    tokens = entry.get("completion_tokens", 64)
    if entry.get("embeddings"):
        if engine["health"]["ok"]:
            engine["embedding"] = observe_embedding(url, key, key_error)
    elif engine["health"]["ok"] and tokens and vllm:
        ask = {"prompt": TEXT, "tokens": tokens}
        engine["speed"] = observe_vllm_speed(url, key, key_error, entry["name"], ask, ANSWER_TIMEOUT_S)
    elif engine["health"]["ok"] and tokens:
        engine["speed"] = observe_speed(url, key, key_error, tokens)
    return engine


def find_unit(unit: str | None) -> tuple[dict[str, str], str | None]:
    if not unit:
        return {}, "no unit given"
    try:
        return show_units([unit])[0], None
    except Exception as error:
        return {}, describe(error)


def read_key(path: str | None) -> tuple[str, str | None]:
    """The first key of a llama.cpp key file (one a line)."""
    if not path:
        return "", None
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        return "", describe(error)
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return (keys[0], None) if keys else ("", f"{path} holds no key")


def observe_props(url: str, key: str, key_error: str | None) -> Json:
    found: Json = {"model_ids": [], "error": key_error}
    try:
        props = ask_json(f"{url}/props", key)
        models = ask_json(f"{url}/v1/models", key)
        found["model_path"] = props.get("model_path")
        found["context_tokens"] = props.get("default_generation_settings", {}).get("n_ctx")
        found["slots"] = props.get("total_slots")
        found["build"] = props.get("build_info")
        found["model_ids"] = [model["id"] for model in models.get("data", [])]
    except Exception as error:
        found["error"] = "; ".join(filter(None, [key_error, describe(error)]))
    return found


def observe_speed(url: str, key: str, key_error: str | None, tokens: int) -> Json:
    """One completion that cannot end early nor reuse a cached prompt; speeds are the server's own."""
    body = {
        "prompt": TEXT,
        "n_predict": tokens,
        "temperature": 0,
        "ignore_eos": True,
        "cache_prompt": False,
        "stream": False,
    }
    started = time.monotonic()
    try:
        timings = ask_json(f"{url}/completion", key, body, ANSWER_TIMEOUT_S)["timings"]
    except Exception as error:
        return {"error": "; ".join(filter(None, [key_error, describe(error)]))}
    return {
        "prompt_tokens": timings.get("prompt_n"),
        "predicted_tokens": timings.get("predicted_n"),
        "prompt_tok_s": timings.get("prompt_per_second"),
        "predicted_tok_s": timings.get("predicted_per_second"),
        "latency_ms": round((time.monotonic() - started) * 1000, 1),
        "error": None,
    }


def observe_embedding(url: str, key: str, key_error: str | None, model: str = "") -> Json:
    """The vector of one short text. A value that is no number comes as null."""
    body: Json = {"input": TEXT, "encoding_format": "float", **({"model": model} if model else {})}
    started = time.monotonic()
    try:
        vector = ask_json(f"{url}/v1/embeddings", key, body, ANSWER_TIMEOUT_S)["data"][0]["embedding"]
        if not isinstance(vector, list):
            raise ValueError(f"{url}/v1/embeddings answered no vector")
    except Exception as error:
        return {"error": "; ".join(filter(None, [key_error, describe(error)]))}
    numbers = [value for value in vector if isinstance(value, (int, float)) and math.isfinite(value)]
    return {
        "dimensions": len(vector),
        "finite": len(numbers) == len(vector),
        "nonzero": any(numbers),
        "latency_ms": round((time.monotonic() - started) * 1000, 1),
        "error": None,
    }

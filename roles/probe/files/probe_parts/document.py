"""The whole document: every section that the config asks for."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Callable  # noqa: UP035 (Python 3.9)

from probe_parts.before import observe_vram_before
from probe_parts.cards import observe_gpu_apart
from probe_parts.egress import observe_egress
from probe_parts.engine import observe_engine
from probe_parts.engine_ollama import observe_ollama
from probe_parts.host import observe_disk, observe_machine, observe_memory
from probe_parts.prometheus import observe_prometheus
from probe_parts.releases import observe_releases
from probe_parts.sockets import observe_listeners
from probe_parts.told import Json, describe, now
from probe_parts.units import observe_units
from probe_parts.web import observe_http

# Section of the document and key of the config -> what answers for one entry of it.
LISTS: dict[str, Callable[[Any], Json]] = {
    "engines": lambda entry: (observe_ollama if entry.get("api") else observe_engine)(entry),
    "http": observe_http,
    "egress": observe_egress,
    "vram_before": observe_vram_before,
    "disk": observe_disk,
    "prometheus": observe_prometheus,
}
SINGLE: dict[str, Callable[[], Any]] = {
    "machine": observe_machine,
    "listeners": observe_listeners,
    "memory": observe_memory,
    "releases": observe_releases,
}


def observe_all(config_file: str) -> Json:
    """Everything that the config asks for, at the same time; the cards last, when the engines have worked."""
    started = time.monotonic()
    document: Json = {"format": 1, "taken_at": now()}
    problems: list[str] = []
    try:
        config = read_config(config_file)
    except Exception as error:
        problems.append(f"{config_file}: {describe(error)}")
    else:
        collect(config, document, problems)
    document["error"] = "; ".join(problems) or None
    document["duration_s"] = round(time.monotonic() - started, 3)
    return document


def read_config(config_file: str) -> Json:
    config = json.loads(Path(config_file).read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        raise ValueError("not a JSON object")
    return config


def collect(config: Json, document: Json, problems: list[str]) -> None:
    """Fill the document. A section that fails as a whole is left out, and the problem names it."""
    jobs: dict[str, Callable[[], Any]] = {
        section: observe for section, observe in SINGLE.items() if config.get(section)
    }
    for section, observe in LISTS.items():
        if config.get(section) is not None:
            jobs[section] = partial(observe_each, observe, config[section], 1 if section == "engines" else 8)
    if config.get("units") is not None:
        jobs["units"] = partial(observe_units, config["units"])
    with ThreadPoolExecutor(max_workers=len(jobs) or 1) as pool:
        running = {section: pool.submit(job) for section, job in jobs.items()}
    for section, future in running.items():
        attempt(section, future.result, document, problems)
    if config.get("gpu"):
        attempt("gpu", observe_gpu_apart, document, problems)


def observe_each(observe: Callable[[Any], Json], entries: list[Any], at_once: int) -> list[Json]:
    """Engines one after the other: two timed completions on one machine would slow each other."""
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        return list(pool.map(observe, entries))


def attempt(section: str, observe: Callable[[], Any], document: Json, problems: list[str]) -> None:
    try:
        document[section] = observe()
    except Exception as error:
        problems.append(f"{section}: {describe(error)}")

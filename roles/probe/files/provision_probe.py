#!/usr/bin/python3
"""Print one JSON document of what this machine says of itself: cards, units, sockets, engines, health.

It asks and changes nothing. Whatever cannot be read is told in the part concerned, as text; the exit status is 0.
The document's shape is `provision/models/observation.py`; a unit test holds the two together. Python 3.9 and its
standard library are enough, and pynvml.py beside this file where there are cards.

    provision_probe.py --config FILE                 the whole document, as the config asks
    provision_probe.py --only gpu --write FILE       the cards alone, before an engine loads (ExecStartPre)
    provision_probe.py --egress-test HOST PORT --user NAME
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Callable  # noqa: UP035 (Python 3.9)

from probe_parts.before import observe_gpu_before, observe_vram_before, write_file
from probe_parts.cards import observe_gpu, observe_gpu_apart
from probe_parts.driver import init_cuda
from probe_parts.egress import observe_egress, try_egress
from probe_parts.engine import observe_engine
from probe_parts.host import observe_disk, observe_machine, observe_memory
from probe_parts.sockets import observe_listeners
from probe_parts.told import Json, describe, now
from probe_parts.units import observe_units
from probe_parts.web import observe_http

DEFAULT_CONFIG = "/etc/provision-probe/config.json"


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    if options.cuda_init:
        document = init_cuda()
    elif options.egress_test:
        host, port = options.egress_test
        document = try_egress(options.user or "root", host, int(port))
    elif options.only:
        document = observe_gpu_before() if options.write else observe_gpu()
    else:
        document = observe_all(options.config)
    text = json.dumps(document, ensure_ascii=True)
    if options.write:
        write_file(options.write, text + "\n")
    else:
        print(text)
    return 0


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", default=DEFAULT_CONFIG, help="what to ask for, JSON")
    parser.add_argument("--only", choices=["gpu"], help="the cards alone")
    parser.add_argument("--write", metavar="FILE", help="write there, atomically, instead of printing")
    parser.add_argument("--egress-test", nargs=2, metavar=("HOST", "PORT"), help="try one TCP connection outward")
    parser.add_argument("--user", help="as this user (egress test)")
    parser.add_argument("--cuda-init", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


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


# Section of the document and key of the config -> what answers for one entry of it.
LISTS: dict[str, Callable[[Any], Json]] = {
    "engines": observe_engine,
    "http": observe_http,
    "egress": observe_egress,
    "vram_before": observe_vram_before,
    "disk": observe_disk,
}
SINGLE: dict[str, Callable[[], Json]] = {
    "machine": observe_machine,
    "listeners": observe_listeners,
    "memory": observe_memory,
}


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


if __name__ == "__main__":
    sys.exit(main())

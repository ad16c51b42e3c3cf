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
from concurrent.futures import Future, ThreadPoolExecutor
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
    document: Json = {"format": 1, "taken_at": now(), "error": None}
    try:
        config = read_config(config_file)
        document.update(collect(config))
    except Exception as error:
        document["error"] = f"{config_file}: {describe(error)}"
    document["duration_s"] = round(time.monotonic() - started, 3)
    return document


def read_config(config_file: str) -> Json:
    config = json.loads(Path(config_file).read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        raise ValueError("not a JSON object")
    return config


def collect(config: Json) -> Json:
    with ThreadPoolExecutor(max_workers=16) as pool:
        engines = submit_all(pool, config, "engines", observe_engine)
        http = submit_all(pool, config, "http", observe_http)
        egress = submit_all(pool, config, "egress", observe_egress)
        document: Json = {
            "machine": observe_machine(),
            "units": None if config.get("units") is None else observe_units(config["units"]),
            "listeners": observe_listeners() if config.get("listeners") else None,
            "vram_before": observe_each(config, "vram_before", observe_vram_before),
            "disk": observe_each(config, "disk", observe_disk),
            "memory": observe_memory() if config.get("memory") else None,
            "engines": gather(engines),
            "http": gather(http),
            "egress": gather(egress),
        }
        document["gpu"] = observe_gpu_apart() if config.get("gpu") else None
    return document


def submit_all(
    pool: ThreadPoolExecutor, config: Json, key: str, observe: Callable[[Any], Json]
) -> list[Future[Json]] | None:
    entries = config.get(key)
    return None if entries is None else [pool.submit(observe, entry) for entry in entries]


def gather(futures: list[Future[Json]] | None) -> list[Json] | None:
    return None if futures is None else [future.result() for future in futures]


def observe_each(config: Json, key: str, observe: Callable[[Any], Json]) -> list[Json] | None:
    entries = config.get(key)
    return None if entries is None else [observe(entry) for entry in entries]


if __name__ == "__main__":
    sys.exit(main())

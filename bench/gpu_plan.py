"""What the plan says of a case, and the server that realises it."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from pathlib import Path

from bench.gpu_cases import Case
from bench.gpu_flags import read_environment, server_argv
from bench.gpu_load import Server
from provision.models.base import Frozen
from provision.models.catalog import Catalog, GpuEntry
from provision.models.fit import LoadTime, Rate
from provision.models.plan import Card
from provision.planner.cards import imagine_cards
from provision.planner.demand import Demand, Placed, demand_of, place_alone
from provision.planner.instance import BATCH
from provision.planner.throughput import decode_rate, load_time, prefill_rate

_UBATCHES = 3
"""A prompt is so many batches long: long enough to be seen while it is read."""


class Planned(Frozen):
    demand: Demand
    placed: Placed
    decode: Rate | None
    prefill: Rate | None
    load: LoadTime | None


def plan_case(case: Case, catalog: Catalog, gpu: GpuEntry | None) -> Planned:
    """The case on cards of the kind `gpu` that hold nothing else; `gpu` is None where `case.cards` is 0."""
    demand = demand_of(catalog.models[case.model], case.workload, on_cards=case.cards > 0)
    cards: tuple[Card, ...] = imagine_cards(gpu, case.cards) if gpu else ()
    placed = place_alone(demand, cards, catalog.gpus)
    return Planned(
        demand=demand,
        placed=placed,
        decode=decode_rate(demand, cards, placed),
        prefill=prefill_rate(demand, catalog.gpus, cards) if cards and not case.encoder else None,
        load=load_time(cards, placed, catalog.gpus) if cards else None,
    )


def describe_server(
    case: Case, planned: Planned, file: Path, binaries: Path, uuids: Sequence[str], threads: int
) -> Server:
    """The planned server on a free port of the loopback, with a key of its own beside the model's file."""
    serving, shape = planned.demand.serving, planned.demand.architecture
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    instance = {
        "name": "check",
        "alias": "check",
        "address": "127.0.0.1",
        "port": port,
        "model_file": file.name,
        "cuda_visible_devices": ",".join(uuids),
        "context_tokens": serving.context * serving.parallel,
        "parallel": serving.parallel,
        "kv_type": serving.kv,
        "split_mode": "layer" if case.cards > 1 else "none",
        "tensor_split": ",".join(map(str, planned.placed.shares)) if case.cards > 1 else "",
        "gpu_layers": shape.layers + 1 if case.cards else 0,
        "batch": max(BATCH, serving.ubatch),
        "ubatch": serving.ubatch,
        "threads": threads,
        "embeddings": case.encoder,
        "pooling": "",
    }
    environment = read_environment(instance)
    key = secrets.token_hex(16)
    (file.parent / "check.key").write_text(key, encoding="ascii")
    argv = server_argv(environment, "check", binaries=binaries, models=file.parent, keys=file.parent)
    visible = {"CUDA_VISIBLE_DEVICES": environment["CUDA_VISIBLE_DEVICES"], "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    return Server(argv=tuple(argv), environment=visible, port=port, key=key, prompt=_prompt(case, planned))


def _prompt(case: Case, planned: Planned) -> tuple[str, dict[str, object]]:
    serving = planned.demand.serving
    if case.encoder:
        # Two special tokens may be put around it.
        return "/embeddings", {"content": list(range(1, serving.ubatch - 2))}
    length = min(_UBATCHES * serving.ubatch, serving.context - 2)
    return "/completion", {"prompt": list(range(1, length)), "n_predict": 1, "cache_prompt": False}


def bench_options(case: Case, planned: Planned, threads: int) -> dict[str, str]:
    """llama-bench's options for the same settings; its context is as long as its test."""
    serving = planned.demand.serving
    return {
        "-ngl": str(planned.demand.architecture.layers + 1 if case.cards else 0),
        "-sm": "layer" if case.cards > 1 else "none",
        "-fa": "on",
        "-ctk": serving.kv,
        "-ctv": serving.kv,
        "-b": str(BATCH),
        "-ub": str(serving.ubatch),
        "-t": str(threads),
        "-lm": "mmap",
    }

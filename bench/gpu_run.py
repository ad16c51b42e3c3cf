"""Measure one case: write its file, load it, take the numbers, take the file away again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.gguf_files import write_gguf
from bench.gpu_cards import HOST, Meter
from bench.gpu_cases import Case
from bench.gpu_data import write_random
from bench.gpu_deadline import Deadline
from bench.gpu_load import Load, measure_load
from bench.gpu_plan import Planned, bench_options, describe_server, plan_case
from bench.gpu_report import MemoryRow, SpeedRow, compare_memory
from bench.gpu_speed import forget_pages, measure_disk, measure_rates
from provision.models.catalog import Catalog, GpuEntry


class Bench(NamedTuple):
    """`uuids` of the cards that may be used, all of the kind `gpu`; none and None for the CPU."""

    binaries: Path
    files: Path
    catalog: Catalog
    gpu: GpuEntry | None
    uuids: tuple[str, ...]
    meter: Meter
    threads: int
    deadline: Deadline


def fits(case: Case, bench: Bench, host_mib: int) -> bool:
    """On its cards with every reserve free; on the host within `host_mib`."""
    planned = plan_case(case, bench.catalog, bench.gpu)
    return planned.placed.verdict == "fits" and (case.cards > 0 or planned.placed.host_mib <= host_mib)


def measure_memory(case: Case, bench: Bench) -> tuple[tuple[MemoryRow, ...], dict[str, int]]:
    """With a file of no data. Rows per card, and the MiB that the engine sees of each card, by UUID."""
    planned = plan_case(case, bench.catalog, bench.gpu)
    with _file(case, bench) as path:
        write_gguf(bench.catalog.models[case.model].architecture, case.quant, path)
        load = _load(case, planned, path, bench)
    uuids = bench.uuids[: case.cards]
    offered = {uuid: load.offered[f"CUDA{n}"] for n, uuid in enumerate(uuids) if f"CUDA{n}" in load.offered}
    return compare_memory(case, planned, load, uuids), offered


def measure_speed(case: Case, bench: Bench) -> SpeedRow:
    """With a file of random data: loaded from the disk, loaded from the host's cache, then timed by llama-bench."""
    planned = plan_case(case, bench.catalog, bench.gpu)
    with _file(case, bench) as path:
        write_random(bench.catalog.models[case.model].architecture, case.quant, path, bench.deadline)
        forget_pages(path)
        disk = measure_disk(path)
        cold = _load(case, planned, path, bench)
        warm = _load(case, planned, path, bench)
        visible = {"CUDA_VISIBLE_DEVICES": ",".join(bench.uuids[: case.cards]), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        options = bench_options(case, planned, bench.threads)
        prefill, decode = measure_rates(bench.binaries / "llama-bench", path, options, visible, bench.deadline)
    return SpeedRow(
        case=case,
        decode=decode,
        decode_bound=planned.decode.bound if planned.decode else None,
        decode_expected=planned.decode.expected if planned.decode else None,
        prefill=prefill,
        prefill_bound=planned.prefill.bound if planned.prefill else None,
        cold_s=cold.tensors_s,
        disk_gb_s=disk,
        warm_s=warm.tensors_s,
        pcie_bound_s=planned.load.pcie if planned.load else None,
        ready_s=cold.ready_s,
    )


def _load(case: Case, planned: Planned, path: Path, bench: Bench) -> Load:
    uuids = bench.uuids[: case.cards]

    def read(process: int | None) -> dict[str, float]:
        """Of the cards of this case alone: another one's load is no business of it."""
        return {key: mib for key, mib in bench.meter(process).items() if key == HOST or key in uuids}

    server = describe_server(case, planned, path, bench.binaries, uuids, bench.threads)
    return measure_load(server, read, bench.deadline)


@contextmanager
def _file(case: Case, bench: Bench) -> Iterator[Path]:
    path = bench.files / f"{case.model}-{case.quant}.gguf"
    path.unlink(missing_ok=True)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)

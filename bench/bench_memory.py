"""The memory model beside the engine's own allocator: every llama.cpp model of the catalogue, in several settings.

    python -m bench.bench_memory            headers of the whole catalogue, by llama-fit-params
    python -m bench.bench_memory --server   smaller relatives, loaded from files of zeros by the real llama-server

Prints the table, the worst row last. Exit 1 when a row misses the bar: model and KV 0.5 % or 2 MiB, compute 5 % or
16 MiB.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.gguf_files import write_gguf
from bench.llama_cpp import EngineMemory, ask_fit_params, ask_server, unpacked
from bench.relatives import list_relatives
from provision.catalog.loader import load_catalog
from provision.errors import ProvisionError
from provision.models.architecture import Architecture, Serving
from provision.models.base import Frozen
from provision.planner.memory import FAMILIES, cache_bytes, compute_bytes, list_tensors

_FIT = Serving(backend="cpu", reserve_outputs="ubatch")
_SERVER = Serving(backend="cpu", reserve_outputs="slots")
SETTINGS = (
    {"context": 8192, "parallel": 1, "kv": "f16", "ubatch": 512},
    {"context": 4096, "parallel": 4, "kv": "q8_0", "ubatch": 512},
    {"context": 32768, "parallel": 2, "kv": "f16", "ubatch": 2048},
    {"context": 1000, "parallel": 3, "kv": "f16", "ubatch": 128},
    {"context": 131072, "parallel": 1, "kv": "q4_0", "ubatch": 1024},
)
_MIB = 2**20
_PARTS = ("model", "kv", "compute")
_BARS = {"model": (0.005, 2.0), "kv": (0.005, 2.0), "compute": (0.05, 16.0)}
"""Share and MiB, whichever is more."""


class Row(Frozen):
    model: str
    serving: Serving
    engine: EngineMemory
    ours: EngineMemory

    def off_by(self, part: str) -> float:
        """How far a part is off, as a share of what the bar allows."""
        real, mine = getattr(self.engine, part), getattr(self.ours, part)
        share, least = _BARS[part]
        return float(abs(mine - real) / max(share * real, least))

    @property
    def worst(self) -> float:
        return max(self.off_by(part) for part in _PARTS)

    def line(self) -> str:
        s = self.serving
        setting = f"{s.parallel} x {s.context:6} {s.kv:4} ubatch {s.ubatch:4}"
        parts = "   ".join(f"{getattr(self.engine, p):9.1f} {getattr(self.ours, p):9.1f}" for p in _PARTS)
        return f"{self.model:34} {setting}   {parts}   {100 * self.worst:5.1f} %"


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--server", action="store_true", help="load smaller relatives with the real llama-server")
    server = arguments.parse_args().server
    try:
        with unpacked() as programs, tempfile.TemporaryDirectory(prefix="provision-gguf-") as folder:
            header = Path(folder) / "model.gguf"
            rows = sorted((_servers if server else _catalogue)(programs, header), key=lambda row: row.worst)
    except ProvisionError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{'':34} {'':30}   {'model MiB: engine, ours':19}   {'KV':19}   {'compute':19}   of the bar")
    for row in rows:
        print(row.line())
    print(f"{len(rows)} rows, the worst one last; {sum(row.worst > 1 for row in rows)} miss the bar")
    return int(rows[-1].worst > 1)


def _catalogue(programs: Path, header: Path) -> Iterator[Row]:
    for name, entry in load_catalog().models.items():
        architecture = entry.architecture
        if architecture is None or architecture.family not in FAMILIES:
            continue
        quant = _quant_of(architecture)
        write_gguf(architecture, quant, header)
        for setting in SETTINGS:
            serving = _FIT.model_copy(update=setting)
            engine = ask_fit_params(programs, header, serving)
            yield Row(model=f"{name} {quant}", serving=serving, engine=engine, ours=count(architecture, quant, serving))


def _servers(programs: Path, header: Path) -> Iterator[Row]:
    for name, architecture in list_relatives().items():
        quant = _quant_of(architecture)
        write_gguf(architecture, quant, header)
        for setting in SETTINGS[:3]:
            serving = _SERVER.model_copy(update=setting)
            engine = ask_server(programs, header, serving, embedding=architecture.encoder)
            yield Row(model=name, serving=serving, engine=engine, ours=count(architecture, quant, serving))


def count(architecture: Architecture, quant: str, serving: Serving) -> EngineMemory:
    """Our figures for everything on the CPU."""
    return EngineMemory(
        model=sum(tensor.size for tensor in list_tensors(architecture, quant)) / _MIB,
        kv=sum(cache_bytes(architecture, serving)) / _MIB,
        compute=compute_bytes(architecture, serving)[0] / _MIB,
    )


def _quant_of(architecture: Architecture) -> str:
    if architecture.encoder:
        return "f16"
    return "mxfp4" if architecture.family in ("gpt-oss", "deepseek4") else "q4_k_m"


if __name__ == "__main__":
    sys.exit(main())

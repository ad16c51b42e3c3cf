"""What a run found, printed and written down."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from bench.gpu_cards import Device
from bench.gpu_report import MemoryRow, SpeedRow, catalogue_figures, judge, memory_table, speed_table
from provision.models.catalog import GpuEntry

NO_CARD = "MEASURED WITHOUT A CARD (--cpu): the host's resident memory stands where NVML's numbers would"


@dataclass
class Found:
    """Filled while the run goes on, so that an end before time loses nothing. `date` is YYYY-MM-DD."""

    date: str
    driver: str | None = None
    gpu: GpuEntry | None = None
    devices: tuple[Device, ...] = ()
    llama_cpp: str = ""
    memory: list[MemoryRow] = field(default_factory=list)
    speed: list[SpeedRow] = field(default_factory=list)
    offered: dict[str, int] = field(default_factory=dict)
    """MiB of each card that the engine sees, by UUID."""
    failures: list[str] = field(default_factory=list)

    @property
    def apart(self) -> int:
        """Rows in which plan and engine differ by more than is allowed."""
        return sum(bool(judge(row)) for row in self.memory)

    @property
    def source(self) -> str:
        card = self.devices[0].name if self.devices else "no card"
        return f"measured by make gpu-check on {card}, driver {self.driver}, {self.llama_cpp}, {self.date}"


def print_tables(found: Found) -> None:
    if found.memory or found.speed:
        print(f"\n{found.source if found.gpu else NO_CARD}")
    if found.memory:
        print("\nMemory, MiB (plan/engine's log)\n" + memory_table(found.memory))
    if found.speed:
        print("\nSpeed, random weights, one sequence\n" + speed_table(found.speed))
    for failure in found.failures:
        print(f"\n{failure}")
    print(
        f"\n{len(found.memory)} rows of memory, {found.apart} apart from the plan; {len(found.speed)} of speed; "
        f"{len(found.failures)} failures"
    )


def write_json(found: Found, path: Path) -> None:
    """`catalogue` holds the fields of a card's entry as provision/catalog/data/gpus has them; without a card, none."""
    document = {
        "format": 1,
        "date": found.date,
        "measured": "NVML" if found.gpu else NO_CARD,
        "driver": found.driver,
        "llama_cpp": found.llama_cpp,
        "cards": [device.model_dump(mode="json") for device in found.devices],
        "catalogue": _catalogue(found),
        "memory": [
            row.model_dump(mode="json") | {"overhead": round(row.overhead, 1), "apart": list(judge(row))}
            for row in found.memory
        ],
        "speed": [row.model_dump(mode="json") | {"disk_bound_s": row.disk_bound_s} for row in found.speed],
        "failures": found.failures,
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"written: {path}")


def _catalogue(found: Found) -> dict[str, object]:
    if found.gpu is None or not found.devices:
        return {}
    seen = {"nvml_name": found.devices[0].name, "memory_mib": found.devices[0].memory_mib}
    return {found.gpu.id: seen | catalogue_figures(found.memory, list(found.offered.values()), found.source)}

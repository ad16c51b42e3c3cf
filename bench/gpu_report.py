"""Plan against measurement: rows, tables, and the figures in the form in which the catalogue has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from bench.gpu_cards import HOST
from bench.gpu_cases import Case
from bench.gpu_load import Buffer, Load
from bench.gpu_plan import Planned
from provision.models.base import Frozen
from provision.models.plan import CardBudget

WEIGHTS, COMPUTE, RESERVE_MIB = (0.005, 2.0), (0.05, 16.0), 1024
"""Share and MiB, of which the larger counts, that plan and engine may differ by; what a plan leaves free on a card."""


class Parts(Frozen):
    """MiB. `kv` has recurrent states too."""

    weights: float
    kv: float
    compute: float

    @property
    def total(self) -> float:
        return self.weights + self.kv + self.compute


class MemoryRow(Frozen):
    """One card of one case, MiB. `planned` is None on the host, where the plan has only a total.

    `overhead` is what the card holds beyond the engine's buffers: CUDA's context, kernels and libraries (on the host:
    resident memory less buffers, which may be below 0: a mapped file's pages count once they are read).
    """

    case: Case
    card: str
    planned: Parts | None
    planned_total: int
    logged: Parts
    loaded: float
    busy: float | None

    @property
    def overhead(self) -> float:
        return self.loaded - self.logged.total


class SpeedRow(Frozen):
    """Rates in tokens/s, times in seconds, `disk_gb_s` in GB/s; None where a bound is not known.

    `cold_s` and `warm_s`: reading and copying the weights, with the file outside and inside the host's cache.
    """

    case: Case
    decode: float
    decode_bound: float | None
    decode_expected: float | None
    prefill: float
    prefill_bound: float | None
    cold_s: float
    disk_gb_s: float | None
    warm_s: float
    pcie_bound_s: float | None
    ready_s: float

    @property
    def disk_bound_s(self) -> float | None:
        return self.case.file_bytes / 1e9 / self.disk_gb_s if self.disk_gb_s else None


def compare_memory(case: Case, planned: Planned, load: Load, uuids: Sequence[str]) -> tuple[MemoryRow, ...]:
    """A row per card, in the order of the split, which is that of the engine's CUDA0, CUDA1 ..."""
    if not uuids:
        row = _row(case, HOST, HOST, None, planned.placed.host_mib, load.buffers, load)
        return (row,)
    return tuple(
        _row(
            case,
            str(position),
            uuid,
            budget,
            budget.total_mib,
            [buffer for buffer in load.buffers if buffer.device == f"CUDA{position}"],
            load,
        )
        for position, (uuid, budget) in enumerate(zip(uuids, planned.placed.budgets, strict=True))
    )


def _row(
    case: Case,
    card: str,
    key: str,
    budget: CardBudget | None,
    total: int,
    buffers: Iterable[Buffer],
    load: Load,
) -> MemoryRow:
    sums = {"model": 0.0, "kv": 0.0, "recurrent": 0.0, "compute": 0.0, "output": 0.0}
    for buffer in buffers:
        sums[buffer.kind] += buffer.mib
    return MemoryRow(
        case=case,
        card=card,
        planned=Parts(weights=budget.weights_mib, kv=budget.kv_mib, compute=budget.compute_mib) if budget else None,
        planned_total=total,
        logged=Parts(
            weights=sums["model"], kv=sums["kv"] + sums["recurrent"], compute=sums["compute"] + sums["output"]
        ),
        loaded=load.loaded[key] - load.before[key],
        busy=load.busy[key] - load.before[key] if load.busy else None,
    )


def judge(row: MemoryRow) -> tuple[str, ...]:
    """What is further apart than allowed; empty where the plan is right."""
    if row.planned is None:
        found = [_apart("buffers", row.planned_total, row.logged.total, COMPUTE)]
    else:
        found = [
            _apart("weights", row.planned.weights, row.logged.weights, WEIGHTS),
            _apart("KV", row.planned.kv, row.logged.kv, WEIGHTS),
            _apart("compute", row.planned.compute, row.logged.compute, COMPUTE),
        ]
    over = max(row.loaded, row.busy or 0.0) - row.planned_total
    if over > RESERVE_MIB:
        found.append(f"{over:.0f} MiB more in use than planned, the reserve is {RESERVE_MIB}")
    return tuple(text for text in found if text)


def _apart(what: str, planned: float, logged: float, allowed: tuple[float, float]) -> str:
    share, least = allowed
    within = abs(planned - logged) <= max(share * logged, least)
    return "" if within else f"{what} {planned:.0f} planned, {logged:.0f} logged"


def memory_table(rows: Sequence[MemoryRow]) -> str:
    """Cells "plan/engine"; the last columns are what NVML (or the host) counted on top of the state before."""
    where = "host RSS" if any(row.card == HOST for row in rows) else "NVML"
    head = ["model", "ctx x slots", "kv", "card", "weights", "KV", "compute", "total: plan", "buffers"]
    return _align(
        [*head, f"{where}: loaded", "with prompt", "overhead", ""],
        [
            [
                row.case.title,
                f"{row.case.context} x {row.case.parallel}",
                row.case.kv,
                row.card,
                *_pairs(row),
                str(row.planned_total),
                f"{row.logged.total:.0f}",
                f"{row.loaded:.0f}",
                _number(row.busy, 0),
                f"{row.overhead:.0f}",
                "; ".join(judge(row)) or "ok",
            ]
            for row in rows
        ],
    )


def _pairs(row: MemoryRow) -> list[str]:
    logged = (row.logged.weights, row.logged.kv, row.logged.compute)
    if row.planned is None:
        return [f"{mib:.1f}" for mib in logged]
    planned = (row.planned.weights, row.planned.kv, row.planned.compute)
    return [f"{plan:.0f}/{mib:.1f}" for plan, mib in zip(planned, logged, strict=True)]


def speed_table(rows: Sequence[SpeedRow]) -> str:
    head = ["model", "GB", "tok/s", "bound", "share", "prompt tok/s", "bound", "cold s", "disk bound", "warm s"]
    return _align(
        [*head, "PCIe bound", "ready s"],
        [
            [
                row.case.title,
                f"{row.case.file_bytes / 1e9:.1f}",
                f"{row.decode:.1f}",
                _number(row.decode_bound, 1),
                _number(row.decode / row.decode_bound if row.decode_bound else None, 2),
                f"{row.prefill:.0f}",
                _number(row.prefill_bound, 0),
                f"{row.cold_s:.2f}",
                _number(row.disk_bound_s, 2),
                f"{row.warm_s:.2f}",
                _number(row.pcie_bound_s, 2),
                f"{row.ready_s:.1f}",
            ]
            for row in rows
        ],
    )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _align(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in (head, *rows))


def catalogue_figures(rows: Sequence[MemoryRow], offered: Sequence[int], source: str) -> dict[str, object]:
    """The fields of a card's entry in provision/catalog/data/gpus that were measured. The overhead is the largest
    of all models that lay on one card."""
    figures: dict[str, object] = {}
    sources: dict[str, str] = {}
    if offered:
        figures |= {"usable_mib": min(offered), "usable_measured": True}
        sources["usable_mib"] = source
    alone = [row for row in rows if row.case.cards == 1]
    if alone:
        most = max(alone, key=lambda row: row.overhead)
        figures |= {"context_overhead_mib": ceil(most.overhead), "overhead_measured": True}
        busy = [row.busy - row.logged.total for row in alone if row.busy is not None]
        pool = f"; up to {max(busy):.0f} MiB while a prompt is read" if busy else ""
        least = min(row.overhead for row in alone)
        sources["context_overhead_mib"] = (
            f"{source}: {least:.0f} to {most.overhead:.0f} MiB beyond the engine's buffers after loading "
            f"{len(alone)} models{pool}"
        )
    return {**figures, "sources": sources}

"""What is known, as tables: profiles, GPUs, models, and the answer of `fit`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from provision.models.catalog import GpuEntry, ModelEntry
from provision.ui.plan_table import new_table
from provision.ui.printable import in_gib, safe


class _Summary(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...


class _Card(Protocol):
    @property
    def index(self) -> int: ...
    @property
    def weights_mib(self) -> int: ...
    @property
    def kv_mib(self) -> int: ...
    @property
    def compute_mib(self) -> int: ...
    @property
    def overhead_mib(self) -> int: ...
    @property
    def total_mib(self) -> int: ...
    @property
    def usable_mib(self) -> int: ...


class _Fit(Protocol):
    @property
    def verdict(self) -> str: ...
    @property
    def per_gpu(self) -> Sequence[_Card]: ...
    @property
    def decode_bound_tok_s(self) -> float | None: ...
    @property
    def reasons(self) -> Sequence[str]: ...


def render_profiles(profiles: Iterable[_Summary]) -> Table:
    table = new_table("Profiles")
    table.add_column("name", no_wrap=True)
    table.add_column("what it is")
    for profile in profiles:
        table.add_row(safe(profile.name, "bold"), safe(profile.description))
    return table


def render_gpus(gpus: Iterable[GpuEntry]) -> Table:
    table = new_table("GPUs")
    table.add_column("id", no_wrap=True)
    table.add_column("NVML name")
    for head in ("NVML MiB", "usable MiB", "GB/s", "W"):
        table.add_column(head, justify="right")
    for gpu in gpus:
        usable = f"{gpu.usable_mib}" + ("" if gpu.usable_measured else " (estimated)")
        figures = (f"{gpu.memory_mib}", usable, f"{gpu.bandwidth_gb_s:g}", f"{gpu.tdp_w}")
        table.add_row(safe(gpu.id, "bold"), safe(gpu.nvml_name), *figures)
    return table


def render_models(models: Iterable[ModelEntry]) -> Table:
    table = new_table("Models")
    table.add_column("id", no_wrap=True)
    table.add_column("parameters", justify="right")
    table.add_column("context", justify="right")
    table.add_column("files")
    table.add_column("licence")
    for model in models:
        files = ", ".join(f"{quant.name} {in_gib(quant.file_mib)}" for quant in model.quants)
        size = f"{model.parameters_b:g}B"
        table.add_row(safe(model.id, "bold"), size, f"{model.max_context}", safe(files), safe(model.licence))
    return table


def render_fit(answer: _Fit) -> RenderableType:
    """Verdict, MiB per card, and what would fit instead."""
    good = answer.verdict != "no"
    parts: list[RenderableType] = [Text(answer.verdict, style="bold green" if good else "bold red")]
    parts += [safe(reason) for reason in answer.reasons]
    if answer.per_gpu:
        parts += [Text(), _cards(answer.per_gpu)]
    if answer.decode_bound_tok_s is not None:
        parts.append(Text(f"At most {answer.decode_bound_tok_s:.0f} tokens/s for one user (memory bandwidth)."))
    return Group(*parts)


def _cards(cards: Iterable[_Card]) -> Table:
    table = new_table("MiB per card")
    table.add_column("card")
    for head in ("weights", "KV", "compute", "overhead", "total", "usable"):
        table.add_column(head, justify="right")
    for card in cards:
        figures = (card.weights_mib, card.kv_mib, card.compute_mib, card.overhead_mib, card.total_mib, card.usable_mib)
        table.add_row(str(card.index), *(str(figure) for figure in figures))
    return table

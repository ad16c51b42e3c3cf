"""What is known, as tables: profiles, GPUs, models, and the answer of `fit`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, get_args

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from provision.models.architecture import Engine
from provision.models.catalog import GpuEntry, Interconnect, ModelEntry
from provision.ui.plan_table import new_table
from provision.ui.printable import safe


class _Summary(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...


def render_profiles(profiles: Iterable[_Summary]) -> Table:
    table = new_table("Profiles")
    table.add_column("name", no_wrap=True)
    table.add_column("what it is")
    for profile in profiles:
        table.add_row(safe(profile.name, "bold"), safe(profile.description))
    return table


def render_gpus(gpus: Iterable[GpuEntry]) -> Table:
    table = new_table("GPUs")
    table.caption = "~ estimated, not measured · TFLOPS: BF16 without sparsity · NVLink: GB/s, both directions together"
    table.caption_justify = "left"
    table.add_column("id", no_wrap=True)
    table.add_column("NVML name")
    for head in ("MiB", "usable", "GB/s", "TFLOPS", "W"):
        table.add_column(head, justify="right")
    for head in ("PCIe", "NVLink"):
        table.add_column(head, no_wrap=True)
    for gpu in gpus:
        usable = f"{'' if gpu.usable_measured else '~'}{gpu.usable_mib}"
        tflops = "-" if gpu.bf16_tflops is None else f"{gpu.bf16_tflops:.0f}"
        figures = (f"{gpu.memory_mib}", usable, f"{gpu.bandwidth_gb_s:g}", tflops, f"{gpu.tdp_w}")
        table.add_row(safe(gpu.id, "bold"), safe(gpu.nvml_name), *figures, *_name_links(gpu.interconnect))
    return table


def _name_links(link: Interconnect | None) -> tuple[str, str]:
    if link is None:
        return "-", "-"
    nvlink = f"{link.nvlink_gb_s:g}" if link.nvlink_gb_s else link.nvlink
    return f"{link.pcie_generation} x{link.pcie_lanes}", nvlink or "-"


def render_models(models: Iterable[ModelEntry]) -> RenderableType:
    """A row per model, and below them what a licence may forbid and what an engine does not serve."""
    found = list(models)
    table = new_table("Models")
    table.caption = "context in units of 1024 tokens · files in GiB, without BF16 · --json gives sources and all files"
    table.caption_justify = "left"
    table.add_column("id", no_wrap=True)
    for head in ("size", "active", "context"):
        table.add_column(head, justify="right")
    table.add_column("files")
    table.add_column("licence")
    for model in found:
        sizes = (_in_billions(model.parameters_b), _in_billions(model.active_parameters_b))
        figures = (*sizes, f"{model.architecture.max_context // 1024}k")
        table.add_row(safe(model.id, "bold"), *figures, safe(_list_files(model)), safe(model.licence))
    return Group(table, *_warnings(found), *_not_served(found))


def _in_billions(parameters: float) -> str:
    return f"{parameters:.0f}B" if parameters >= 100 else f"{parameters:.3g}B"


def _list_files(model: ModelEntry) -> str:
    files = [quant for quant in model.quants or model.checkpoints if quant.name != "bf16"]
    return ", ".join(f"{quant.name} {_in_gib(quant.file_mib)}" for quant in files) or "size not known"


def _in_gib(mib: int) -> str:
    return f"{mib / 1024:.0f}" if mib >= 10 * 1024 else f"{mib / 1024:.2g}"


def _warnings(models: Sequence[ModelEntry]) -> Iterator[Text]:
    for model in models:
        for finding in model.findings:
            if finding.severity == "warning":
                yield Text.assemble("\n", (model.id, "bold yellow"), ": ", safe(finding.what))


def _not_served(models: Sequence[ModelEntry]) -> Iterator[Text]:
    """Engines are named where they do not serve a model: most serve all of them."""
    for engine in get_args(Engine):
        missing = [model.id for model in models if model.engines and engine not in model.engines]
        if missing:
            yield safe(f"\n{engine} does not serve: {', '.join(missing)}")

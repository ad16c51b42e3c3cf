"""Plan against the engine's log and NVML, and the figures for the catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.gpu_cards import HOST, probe_part
from bench.gpu_cases import Case
from bench.gpu_load import Buffer, Load
from bench.gpu_plan import Planned
from bench.gpu_report import SpeedRow, catalogue_figures, compare_memory, judge, memory_table, speed_table
from provision.models.architecture import Architecture, Serving, Weights
from provision.models.plan import CardBudget
from provision.planner.demand import Demand, Placed

LOG = Path(__file__).resolve().parents[2] / "fixtures" / "llama-server-memory.log"
CASE = Case(model="m", quant="q8_0", context=8192, parallel=2, kv="f16", cards=2, file_bytes=4 * 10**9)
CARDS = ("GPU-a", "GPU-b")


def plan(*budgets: tuple[int, int, int, int], host: int = 0) -> Planned:
    shape = Architecture(family="llama", layers=1, embedding=1, vocabulary=1, max_context=1)
    weights = Weights(input_bytes=0, layer_bytes=(), output_bytes=0, active_bytes=0)
    placed = Placed(
        verdict="fits",
        shares=(1.0,) * len(budgets),
        budgets=tuple(
            CardBudget(card=n, weights_mib=w, kv_mib=k, compute_mib=c, overhead_mib=o, total_mib=w + k + c + o)
            for n, (w, k, c, o) in enumerate(budgets)
        ),
        host_mib=host,
    )
    demand = Demand(model="m", quant="q8_0", architecture=shape, weights=weights, serving=Serving())
    return Planned(demand=demand, placed=placed, decode=None, prefill=None, load=None)


def load(buffers: list[tuple[str, str, float]], before: list[float], loaded: list[float], busy: list[float]) -> Load:
    def by(values: list[float]) -> dict[str, float]:
        return dict(zip(CARDS, values, strict=True))

    return Load(
        before=by(before),
        loaded=by(loaded),
        busy=by(busy),
        buffers=tuple(Buffer(device=device, kind=kind, mib=mib) for device, kind, mib in buffers),
        offered={"CUDA0": 24080},
        tensors_s=1.0,
        ready_s=2.0,
    )


BUFFERS = [
    ("CPU_Mapped", "model", 500.0),
    ("CUDA0", "model", 2000.0),
    ("CUDA1", "model", 1900.0),
    ("CUDA0", "kv", 300.0),
    ("CUDA0", "recurrent", 12.0),
    ("CUDA1", "kv", 290.0),
    ("CUDA0", "compute", 200.0),
    ("CUDA1", "compute", 100.0),
    ("CUDA_Host", "compute", 20.0),
]


def test_each_card_has_its_own_buffers_and_its_own_delta() -> None:
    planned = plan((2001, 312, 205, 450), (1900, 290, 100, 450))
    measured = load(BUFFERS, before=[1.0, 700.0], loaded=[2963.0, 3440.0], busy=[3050.0, 3440.0])
    first, second = compare_memory(CASE, planned, measured, CARDS)
    assert (first.logged.weights, first.logged.kv, first.logged.compute) == (2000.0, 312.0, 200.0)
    assert (first.loaded, first.busy, first.overhead) == (2962.0, 3049.0, 450.0)
    assert (second.loaded, second.overhead) == (2740.0, 450.0)
    assert judge(first) == judge(second) == ()


def test_what_differs_is_said_with_both_numbers() -> None:
    planned = plan((2013, 320, 150, 450), (1900, 290, 100, 450))
    measured = load(BUFFERS, before=[0.0, 0.0], loaded=[3000.0, 2740.0], busy=[4000.0, 2740.0])
    first, second = compare_memory(CASE, planned, measured, CARDS)
    weights, kv, compute, over = judge(first)
    assert weights == "weights 2013 planned, 2000 logged"
    assert kv == "KV 320 planned, 312 logged"
    assert compute == "compute 150 planned, 200 logged"
    assert over.startswith("1067 MiB more in use than planned")
    assert judge(second) == ()
    table = memory_table([first, second])
    assert "2013/2000.0" in table
    assert table.splitlines()[2].endswith("ok")


def test_the_host_is_compared_as_a_whole_and_labelled() -> None:
    buffers = tuple(Buffer(**buffer) for buffer in probe_part("engine_log").parse_load(LOG.read_text())["buffers"])
    measured = Load(
        before={HOST: 0.0},
        loaded={HOST: 310.0},
        busy=None,
        buffers=buffers,
        offered={},
        tensors_s=1.0,
        ready_s=1.0,
    )
    alone = CASE.model_copy(update={"cards": 0})
    (row,) = compare_memory(alone, plan(host=302), measured, ())
    assert row.logged.total == pytest.approx(235.16 + 12.66 + 12.75 + 15.94 + 2.0 + 23.81)
    assert judge(row) == ()
    assert "host RSS" in memory_table([row])
    assert "NVML" not in memory_table([row])
    (wrong,) = compare_memory(alone, plan(host=400), measured, ())
    assert judge(wrong) == ("buffers 400 planned, 302 logged",)


def test_figures_have_the_catalogue_s_names_and_a_source_each() -> None:
    alone = CASE.model_copy(update={"cards": 1})
    planned = plan((2000, 312, 200, 450))
    rows = [
        *compare_memory(alone, planned, load(BUFFERS, [0, 0], [2960.0, 0], [3050.0, 0]), CARDS[:1]),
        *compare_memory(alone, planned, load(BUFFERS, [0, 0], [2963.4, 0], [2990.0, 0]), CARDS[:1]),
    ]
    figures = catalogue_figures(rows, [24080, 24079], "measured on X, driver 1, 2026-11-25")
    assert figures["usable_mib"] == 24079
    assert figures["context_overhead_mib"] == 452
    assert figures["overhead_measured"] is True
    sources = figures["sources"]
    assert isinstance(sources, dict)
    assert set(sources) == {"usable_mib", "context_overhead_mib"}
    assert "448 to 451 MiB" in sources["context_overhead_mib"]
    assert "up to 538 MiB while a prompt is read" in sources["context_overhead_mib"]


def test_a_split_over_cards_is_no_figure_of_one_card() -> None:
    rows = compare_memory(CASE, plan((1, 1, 1, 1), (1, 1, 1, 1)), load(BUFFERS, [0, 0], [1, 1], [1, 1]), CARDS)
    assert catalogue_figures(rows, [], "s") == {"sources": {}}


def test_rates_stand_beside_their_bounds() -> None:
    row = SpeedRow(
        case=CASE,
        decode=120.0,
        decode_bound=200.0,
        decode_expected=120.0,
        prefill=4000.0,
        prefill_bound=None,
        cold_s=1.5,
        disk_gb_s=4.0,
        warm_s=0.3,
        pcie_bound_s=0.16,
        ready_s=3.0,
    )
    cells = speed_table([row]).splitlines()[1].split()
    assert cells == ["m", "q8_0", "4.0", "120.0", "200.0", "0.60", "4000", "-", "1.50", "1.00", "0.30", "0.16", "3.0"]


def test_a_host_that_holds_far_more_than_planned_is_said() -> None:
    measured = load([("CPU", "compute", 300.0)], [0, 0], [300, 0], [9000, 0])
    measured = measured.model_copy(update={"before": {HOST: 0.0}, "loaded": {HOST: 300.0}, "busy": {HOST: 9000.0}})
    (row,) = compare_memory(CASE.model_copy(update={"cards": 0}), plan(host=300), measured, ())
    assert judge(row) == ("8700 MiB more in use than planned, the reserve is 1024",)

"""The memory formulas against worked examples, and what must hold for any model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.models.catalog import Catalog, ModelEntry
from provision.models.plan import Card
from provision.models.profile import KvType
from provision.planner import vram


def card(index: int, usable: int = 24080) -> Card:
    return Card(
        index=index,
        model="rtx-4090",
        nvml_name="NVIDIA GeForce RTX 4090",
        memory_mib=usable + 484,
        usable_mib=usable,
        bandwidth_gb_s=1008,
        uuid=None,
        pci_address=None,
        simulated=False,
    )


def demand_of(entry: ModelEntry, *, context: int = 8192, parallel: int = 1, kv: KvType = "f16") -> vram.Demand:
    return vram.Demand(entry=entry, file_mib=entry.quants[0].file_mib, context=context, parallel=parallel, kv=kv)


@pytest.mark.parametrize(
    ("context", "kv", "expected"),
    # Research, domain.md B3: 320 KiB per token in f16; 8k 2.5 GiB, 32k 10 GiB; q8_0 0.53 of it.
    [(8192, "f16", 2560), (32768, "f16", 10240), (32768, "q8_0", 5440), (8192, "q4_0", 720)],
)
def test_kv_of_llama_70b(catalog: Catalog, context: int, kv: KvType, expected: int) -> None:
    demand = demand_of(catalog.models["llama3.3-70b"], context=context, kv=kv)
    assert vram.kv_mib(demand, range(80)) == expected


def test_kv_of_a_sliding_window_is_per_slot(catalog: Catalog) -> None:
    """Gemma 3 270M: 3 full layers, 15 of min(context, 512 + 512) cells, 1 KiB per cell and layer in f16."""
    entry = catalog.models["gemma-3-270m"]
    for parallel in (1, 4):
        demand = demand_of(entry, context=8192, parallel=parallel)
        assert vram.kv_mib(demand, range(18)) == parallel * (3 * 8192 + 15 * 1024) / 1024


@pytest.mark.parametrize(
    ("layers", "shares", "expected"),
    [
        (80, (1.0, 1.0), [41, 40]),  # the output layer is one of the second card's 40
        (32, (1.0,), [33]),
        (3, (3.0, 1.0), [3, 1]),
        (80, (1.0, 1.0, 1.0), [27, 27, 27]),
    ],
)
def test_layers_are_dealt_as_llama_cpp_does(layers: int, shares: tuple[float, ...], expected: list[int]) -> None:
    dealt = vram.split_layers(layers, shares)
    assert [len(part) for part in dealt] == expected
    assert [index for part in dealt for index in part] == list(range(layers + 1))


def test_margin_is_the_larger_of_a_gibibyte_and_three_percent() -> None:
    assert vram.room_of(card(0, 24080)) == 24080 - 1024
    assert vram.room_of(card(0, 81121)) == 81121 - 2434


def entries() -> st.SearchStrategy[ModelEntry]:
    return st.builds(
        lambda layers, heads, dim, width, words, window, every, tied, size: ModelEntry(
            id="any",
            name="any",
            layers=layers,
            kv_heads=heads,
            head_dim=dim,
            embedding=width,
            vocabulary=words,
            max_context=1_000_000,
            parameters_b=max(1.0, words * width * 3 / 1e9),
            active_parameters_b=0.5,
            sliding_window=window,
            full_attention_every=every,
            tied_embeddings=tied,
            quants=({"name": "q", "file_mib": size, "source": "t"},),
            licence="",
            restrictions="",
            source="t",
        ),
        st.integers(1, 130),
        st.integers(1, 16),
        st.sampled_from([64, 128, 256]),
        st.integers(256, 16384),
        st.integers(1000, 262144),
        st.sampled_from([None, 128, 1024, 4096]),
        st.sampled_from([1, 2, 6]),
        st.booleans(),
        st.integers(100, 400_000),
    )


SHARES = st.lists(st.floats(0.01, 1), min_size=1, max_size=8)


def total(demand: vram.Demand, shares: list[float]) -> int:
    cards = [card(index) for index in range(len(shares))]
    return sum(b.total_mib for b in vram.budget_cards(demand, cards, [450] * len(shares), shares))


@given(entries(), st.integers(256, 200_000), st.integers(1, 16), SHARES, st.integers(0, 100_000))
def test_more_context_never_takes_less(
    entry: ModelEntry, context: int, parallel: int, shares: list[float], more: int
) -> None:
    demand = demand_of(entry, context=context, parallel=parallel)
    assert total(demand.model_copy(update={"context": context + more}), shares) >= total(demand, shares)
    assert total(demand.model_copy(update={"parallel": parallel + 1}), shares) >= total(demand, shares)
    assert total(demand.model_copy(update={"kv": "q8_0"}), shares) <= total(demand, shares)


@given(entries(), st.integers(256, 200_000), SHARES)
def test_cards_together_hold_the_whole_model(entry: ModelEntry, context: int, shares: list[float]) -> None:
    demand = demand_of(entry, context=context)
    budgets = vram.budget_cards(demand, [card(i) for i in range(len(shares))], [450] * len(shares), shares)
    whole = demand.file_mib - (0 if entry.tied_embeddings else vram.table_mib(demand))
    assert whole <= sum(b.weights_mib for b in budgets) + 1e-6
    assert sum(b.weights_mib for b in budgets) <= whole + len(shares) + 1e-6
    kv = vram.kv_mib(demand, range(entry.layers))
    assert kv - 1e-6 <= sum(b.kv_mib for b in budgets) <= kv + len(shares)
    assert all(min(b.weights_mib, b.kv_mib, b.compute_mib, b.overhead_mib) >= 0 for b in budgets)
    assert all(b.total_mib == b.weights_mib + b.kv_mib + b.compute_mib + b.overhead_mib for b in budgets)

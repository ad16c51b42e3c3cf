"""Our figures beside those that the pinned engine counted (tests/fixtures/llama-cpp-memory.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from provision.catalog.loader import load_catalog
from provision.models.architecture import Architecture, Serving
from provision.planner.memory import compute_bytes, place, weigh

MIB = 2**20
_FILE = Path(__file__).resolve().parents[3] / "fixtures" / "llama-cpp-memory.json"
SHAPES = {name: entry.architecture for name, entry in load_catalog().models.items() if entry.architecture}


class Row(NamedTuple):
    model: str
    quant: str
    context: int
    parallel: int
    kv: str
    ubatch: int
    shares: list[float]
    memory: list[list[int]]

    @property
    def serving(self) -> Serving:
        return Serving.model_validate(
            {
                "context": self.context,
                "parallel": self.parallel,
                "kv": self.kv,
                "ubatch": self.ubatch,
                "reserve_outputs": "ubatch",
                "backend": "cuda" if self.shares else "cpu",
            }
        )


ROWS = [Row(*row) for row in json.loads(_FILE.read_text(encoding="utf-8"))["rows"]]


def name_row(row: Row) -> str:
    return f"{row.model}-{row.parallel}x{row.context}-{row.kv}-{len(row.shares)}"


@pytest.mark.parametrize("row", ROWS, ids=name_row)
def test_what_the_engine_counts(row: Row) -> None:
    """Every part within the engine's own rounding to whole MiB; compute within 1 % where layers are sampled."""
    shape = SHAPES[row.model]
    placed = place(shape, weigh(shape, row.quant), row.serving, row.shares, [0] * len(row.shares))
    *cards, host = row.memory
    for ours, (weights, kv, compute) in zip(placed.cards, cards, strict=True):
        assert 0 <= ours.weights_mib - weights <= 1
        assert 0 <= ours.kv_mib - kv <= 1
        assert abs(ours.compute_mib - compute) <= max(1, 0.01 * compute)
    assert -1 <= placed.host_mib - sum(host) <= len(host)


def test_every_catalogue_model_was_counted() -> None:
    assert {row.model for row in ROWS} == set(SHAPES)


@pytest.mark.parametrize(
    ("model", "changes", "serving", "compute"),
    [
        ("llama3.1-8b", {}, {"context": 32768}, 156.02),
        ("gemma-3-270m", {}, {"context": 4096, "parallel": 4, "kv": "q8_0"}, 23.81),
        ("llama3.1-8b", {"layers": 4}, {"context": 32768, "parallel": 2, "ubatch": 2048}, 624.1),
        ("gpt-oss-20b", {"layers": 4}, {"context": 8192, "parallel": 2}, 104.40),
        ("codestral-mamba-7b", {"layers": 6}, {"context": 8192, "parallel": 2}, 140.49),
        ("nomic-embed-text-v1.5", {}, {"context": 8192, "parallel": 2}, 26.02),
        ("bge-m3", {}, {"context": 4096, "parallel": 4, "ubatch": 1024}, 38.02),
    ],
)
def test_what_the_server_allocates(
    model: str, changes: dict[str, int], serving: dict[str, int | str], compute: float
) -> None:
    """llama-server's log of the pinned build (`bench_memory --server`; the first figure: the same, a whole 8B file).

    A server reserves a row of logits per slot, not one per token of the batch.
    """
    shape = SHAPES[model].model_copy(update=changes)
    host, _ = compute_bytes(shape, Serving.model_validate({"backend": "cpu", **serving}))
    assert round(host / MIB, 2) == pytest.approx(compute, abs=0.06)


def test_a_servers_cards_have_one_copy_less_than_the_tool_says() -> None:
    """Llama 3.1 8B cut to four layers on two stand-in cards, llama-server's log: 244.05 and 88.04 MiB."""
    shape: Architecture = SHAPES["llama3.1-8b"].model_copy(update={"layers": 4})
    serving = Serving(context=8192, parallel=2, backend="cuda")
    _, cards = compute_bytes(shape, serving, [0, 0, 0, 1, 1])
    assert [round(card / MIB, 2) for card in cards] == [244.05, 88.04]
    _, told = compute_bytes(shape, serving.model_copy(update={"reserve_outputs": "ubatch"}), [0, 0, 0, 1, 1])
    assert told[1] > cards[1]

"""Every figure of a card is plausible and says where it comes from."""

from __future__ import annotations

import pytest

from provision.catalog import load_catalog
from provision.models.catalog import GpuEntry

CARDS = load_catalog().gpus
FIGURES = (
    "memory_mib",
    "usable_mib",
    "bandwidth_gb_s",
    "tdp_w",
    "context_overhead_mib",
    "bf16_tflops",
    "interconnect",
    "ecc",
)
LISTED = {
    "rtx-4090",
    "rtx-6000-ada",
    "rtx-4000-sff-ada",
    "rtx-5000-ada",
    "a10",
    "l40s",
    "a100-40gb",
    "a100-80gb-pcie",
    "a100-80gb-sxm",
    "h100-pcie",
    "h100-sxm",
    "h200",
    "b300",
}


def test_the_cards_of_the_articles_and_of_rented_servers_are_there() -> None:
    assert set(CARDS) >= LISTED


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_each_figure_has_a_source(card: GpuEntry) -> None:
    known = {figure for figure in FIGURES if getattr(card, figure)}
    assert set(card.sources) == known
    assert all(len(text) > 10 for text in card.sources.values())
    assert card.usable_measured is not card.sources["usable_mib"].startswith("not published")
    assert card.overhead_measured is card.sources["context_overhead_mib"].startswith("measured")


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_figures_are_plausible(card: GpuEntry) -> None:
    assert 300 <= card.memory_mib - card.usable_mib <= 770
    assert 100 < card.bandwidth_gb_s < 10_000
    assert 50 < card.tdp_w < 1500
    assert card.bf16_tflops is not None
    # From the smallest card to the largest, this ratio of arithmetic to memory traffic stays within a factor of four.
    assert 0.15 < card.bf16_tflops / card.bandwidth_gb_s < 0.5


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_the_link_is_that_of_its_generation(card: GpuEntry) -> None:
    """A lane carries 16 GT/s in generation 4 and 32 in generation 5, 128 of 130 bits of them data."""
    link = card.interconnect
    assert link is not None
    host_generation = min(link.pcie_generation, 5)  # the B300's hosts do not use its sixth generation
    rate = {4: 16, 5: 32}[host_generation] * link.pcie_lanes * 128 / 130 / 8
    assert link.pcie_gb_s == pytest.approx(rate, rel=0.001)
    assert link.nvlink is not None or link.nvlink_gb_s is None
    assert link.nvlink != "switch" or link.nvlink_gb_s in {600, 900, 1800}


def test_no_ada_card_has_nvlink() -> None:
    ada = [card for name, card in CARDS.items() if name.startswith("rtx") or name == "l40s"]
    assert len(ada) == 5
    assert all(card.interconnect and card.interconnect.nvlink is None for card in ada)


def test_error_correction_takes_a_sixteenth_of_gddr() -> None:
    assert CARDS["l40s"].memory_mib * 16 == pytest.approx(CARDS["rtx-6000-ada"].memory_mib * 15, rel=0.001)
    assert "already out" in CARDS["l40s"].ecc
    assert "46068" in CARDS["rtx-6000-ada"].ecc

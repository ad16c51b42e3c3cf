"""Every cost figure of "Self-hosted Open-Source AI 2026": one test each, named after its sentence."""

from __future__ import annotations

from fractions import Fraction

import pytest

from provision.models.figures import Figure
from provision.pipeline.article_figures import list_figures

DOLLARS_PER_EURO = Fraction("1.1225")
FULL = 150 * 3600 * 730
"""Tokens that one card serves in a month of 730 hours."""


@pytest.fixture(scope="module")
def h100() -> dict[str, Figure]:
    return {figure.id.removeprefix("h100-"): figure for figure in list_figures() if figure.article == "h100"}


def _is(figure: Figure, low: float | Fraction, high: float | Fraction | None = None) -> bool:
    assert figure.computed is not None
    wanted = (low, low if high is None else high)
    return all(
        abs(Fraction(found) - Fraction(end)) < Fraction(1, 5000)
        for found, end in zip(figure.computed, wanted, strict=True)
    )


def _meets(rent: int | Fraction, dollars_per_million: Fraction | int) -> Fraction:
    """Million tokens per month at which a rent costs as much as paying by the token."""
    return rent / (Fraction(dollars_per_million) / DOLLARS_PER_EURO)


def test_390m_tokens_per_month_at_100_percent_utilization(h100: dict[str, Figure]) -> None:
    assert _is(h100["throughput"], Fraction(FULL, 10**6))
    assert 150 * 86_400 * 30 == 388_800_000
    assert h100["throughput"].verdict == "follows"


def test_10_to_12_eur_per_1m_tokens_at_60_percent(h100: dict[str, Figure]) -> None:
    assert _is(h100["per-million"], 2500 / (Fraction(FULL) * Fraction(6, 10)) * 10**6)
    assert h100["per-million"].verdict == "follows"


def test_2500_eur_per_month_or_3_50_eur_per_hour(h100: dict[str, Figure]) -> None:
    assert _is(h100["month-and-hour"], Fraction("3.50") * 730)
    assert h100["month-and-hour"].verdict == "follows"


def test_above_it_dedicated_gpus_win(h100: dict[str, Figure]) -> None:
    assert _is(h100["wins-above"], Fraction("0.40") / DOLLARS_PER_EURO, Fraction(2500 * 10**6, FULL))
    assert h100["wins-above"].verdict == "does not follow", "the API is cheaper than a card at full use"


def test_crossover_50_to_100_million_against_la_plateforme(h100: dict[str, Figure]) -> None:
    assert _is(h100["crossover-mistral"], _meets(2500, Fraction("0.40")))
    assert _meets(2500, Fraction("0.40")) * 10**6 > 17 * FULL, "more than one card could ever serve"
    assert h100["crossover-mistral"].verdict == "does not follow"


def test_crossover_50_to_100_million_against_claude_sonnet(h100: dict[str, Figure]) -> None:
    assert _is(h100["crossover-claude-sonnet-4-6"], _meets(2500, 15), _meets(2500, 3))
    assert h100["crossover-claude-sonnet-4-6"].verdict == "does not follow"


def test_crossover_50_to_100_million_against_claude_opus(h100: dict[str, Figure]) -> None:
    assert _is(h100["crossover-claude-opus-4-7"], _meets(2500, 25), _meets(2500, 5))
    assert h100["crossover-claude-opus-4-7"].verdict == "does not follow"


def test_5_to_10_worker_nodes_cross_that_threshold_within_the_first_quarter(h100: dict[str, Figure]) -> None:
    assert _is(h100["first-quarter"], Fraction(5 * FULL * 6, 10**7), Fraction(10 * FULL * 6, 10**7))
    assert 5 * FULL * Fraction(6, 10) / 30 * 3 > 100 * 10**6, "within three days"
    assert h100["first-quarter"].verdict == "follows"


def test_gpt_oss_per_token_amortization_is_roughly_twice_mistral_small(h100: dict[str, Figure]) -> None:
    assert h100["gpt-oss-twice"].verdict == "no inputs given"
    assert "75 tokens/s" in h100["gpt-oss-twice"].arithmetic


def test_crossover_vs_claude_opus_around_30_to_50_million(h100: dict[str, Figure]) -> None:
    assert _is(h100["gpt-oss-crossover"], _meets(1200, 25), _meets(2500, 25))
    assert 30 < _meets(Fraction(30_000, 36), 25) < 50, "a bought card without server, power and people does come to it"
    assert h100["gpt-oss-crossover"].verdict == "does not follow"


def test_dedicated_hardware_amortizes_within_12_to_18_months(h100: dict[str, Figure]) -> None:
    assert _is(h100["amortised"], Fraction(30_000, 2500), Fraction(30_000, 1500))
    assert h100["amortised"].verdict == "follows in part"


def test_pays_back_in_14_months_under_deepseek_v4_flash(h100: dict[str, Figure]) -> None:
    assert _is(h100["payback-14"], Fraction(30_000, 1500), Fraction(120_000, 5000))
    assert h100["payback-14"].verdict == "does not follow"


def test_v4_pro_8_h100_240000_eur(h100: dict[str, Figure]) -> None:
    assert _is(h100["capex-v4-pro"], 8 * 30_000)
    assert h100["capex-v4-pro"].verdict == "follows"


def test_v4_flash_1_to_4_h100_30000_to_120000_eur(h100: dict[str, Figure]) -> None:
    assert _is(h100["capex-v4-flash"], 30_000, 4 * 30_000)
    assert h100["capex-v4-flash"].verdict == "follows"


def test_r1_4_to_8_h100_120000_to_240000_eur(h100: dict[str, Figure]) -> None:
    assert _is(h100["capex-r1"], 4 * 30_000, 8 * 30_000)
    assert h100["capex-r1"].verdict == "follows"


def test_llama_4_scout_1_gpu_30000_eur(h100: dict[str, Figure]) -> None:
    assert _is(h100["capex-scout"], 30_000)
    assert h100["capex-scout"].verdict == "follows"


def test_mistral_small_1500_to_2500_eur_per_month(h100: dict[str, Figure]) -> None:
    assert _is(h100["opex-mistral-small"], 2500)
    assert h100["opex-mistral-small"].verdict == "follows in part", "nothing in the article costs 1,500"


def test_gpt_oss_1200_to_2500_eur_per_month(h100: dict[str, Figure]) -> None:
    assert _is(h100["opex-gpt-oss"], 2500)
    assert h100["opex-gpt-oss"].verdict == "follows in part", "nothing in the article costs 1,200"


def test_v4_flash_1500_to_5000_eur_per_month(h100: dict[str, Figure]) -> None:
    assert _is(h100["opex-v4-flash"], 2500, 4 * 2500)
    assert h100["opex-v4-flash"].verdict == "does not follow"


def test_v4_pro_10000_to_12000_eur_per_month(h100: dict[str, Figure]) -> None:
    assert _is(h100["opex-v4-pro"], 8 * 2500)
    assert h100["opex-v4-pro"].verdict == "does not follow"


def test_r1_5000_to_10000_eur_per_month(h100: dict[str, Figure]) -> None:
    assert _is(h100["opex-r1"], 4 * 2500, 8 * 2500)
    assert h100["opex-r1"].verdict == "does not follow"


def test_llama_4_scout_1500_eur_per_month(h100: dict[str, Figure]) -> None:
    assert _is(h100["opex-scout"], 2500)
    assert h100["opex-scout"].verdict == "does not follow"


def test_1_rtx_4090_1500_eur(h100: dict[str, Figure]) -> None:
    krone = Fraction("7.46038")
    assert _is(h100["rtx-4090"], 18_000 / krone, 22_000 / krone)
    assert h100["rtx-4090"].verdict == "does not follow", "the two articles disagree"


def test_no_figure_is_without_a_test(h100: dict[str, Figure]) -> None:
    assert len(h100) == 23

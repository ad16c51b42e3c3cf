"""Every cost figure of "Open source AI for SMEs" (2026-05-27): one test each, named after its sentence."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from provision.models.figures import Figure
from provision.pipeline.article_figures import list_figures

D = Decimal


@pytest.fixture(scope="module")
def sme() -> dict[str, Figure]:
    return {figure.id.removeprefix("sme-"): figure for figure in list_figures() if figure.article == "sme"}


def _is(figure: Figure, low: float | Fraction, high: float | Fraction | None = None) -> bool:
    """The computed ends, to four decimals."""
    assert figure.computed is not None
    wanted = (low, low if high is None else high)
    return all(
        abs(Fraction(found) - Fraction(end)) < Fraction(1, 5000)
        for found, end in zip(figure.computed, wanted, strict=True)
    )


def test_dkk_215_per_seat_per_month_x_15_is_3225_per_month(sme: dict[str, Figure]) -> None:
    assert _is(sme["team-month"], 215 * 15)
    assert sme["team-month"].verdict == "follows"


def test_which_is_38700_per_year(sme: dict[str, Figure]) -> None:
    assert _is(sme["team-year"], 215 * 15 * 12)
    assert sme["team-year"].verdict == "follows"


def test_claude_team_3_year_total_about_116000(sme: dict[str, Figure]) -> None:
    assert _is(sme["team-total"], 215 * 15 * 36)
    assert 215 * 15 * 36 == 116_100
    assert sme["team-total"].verdict == "follows"


def test_claude_enterprise_5250_to_7500_per_month(sme: dict[str, Figure]) -> None:
    assert _is(sme["enterprise-month"], 350 * 15, 500 * 15)
    assert sme["enterprise-month"].verdict == "follows"


def test_claude_enterprise_3_year_total_189000_to_270000(sme: dict[str, Figure]) -> None:
    assert _is(sme["enterprise-total"], 350 * 15 * 36, 500 * 15 * 36)
    assert sme["enterprise-total"].verdict == "follows"


def test_5000_per_month_is_60000_per_year(sme: dict[str, Figure]) -> None:
    assert _is(sme["trigger-year"], 5000 * 12)
    assert sme["trigger-year"].verdict == "follows"


def test_versus_180000_to_290000_cloud_over_the_same_period(sme: dict[str, Figure]) -> None:
    assert _is(sme["cloud-range"], 5000 * 36, 500 * 15 * 36)
    assert sme["cloud-range"].verdict == "follows in part", "290,000 is the price of nothing in the article"


def test_year_1_is_112000(sme: dict[str, Figure]) -> None:
    assert _is(sme["year-1"], 80_000 + 12_000 + 20_000)
    assert sme["year-1"].verdict == "follows"


def test_year_2_is_32000(sme: dict[str, Figure]) -> None:
    assert _is(sme["year-2"], 12_000 + 20_000)
    assert sme["year-2"].verdict == "follows"


def test_year_3_is_32000(sme: dict[str, Figure]) -> None:
    assert _is(sme["year-3"], 12_000 + 20_000)
    assert sme["year-3"].verdict == "follows"


def test_self_hosted_3_year_total_about_176000(sme: dict[str, Figure]) -> None:
    assert _is(sme["total"], 80_000 + 3 * (12_000 + 20_000))
    assert sme["total"].verdict == "follows"


def test_typically_land_at_150000_over_3_years(sme: dict[str, Figure]) -> None:
    assert _is(sme["typical-total"], 80_000 + 3 * (15_000 + 12_000))
    assert sme["typical-total"].stated == (D(150_000), D(150_000))
    assert sme["typical-total"].verdict == "does not follow", "161,000 comes out"


def test_120000_to_180000_in_year_1(sme: dict[str, Figure]) -> None:
    assert _is(sme["year-1-range"], 60_000 + 12_000 + 15_000, 90_000 + 12_000 + 25_000)
    assert sme["year-1-range"].verdict == "does not follow", "87,000 to 127,000 comes out"


def test_3_year_tco_about_150000_to_180000(sme: dict[str, Figure]) -> None:
    assert _is(sme["total-range"], 60_000 + 3 * 27_000, 90_000 + 3 * 37_000)
    assert sme["total-range"].verdict == "does not follow", "141,000 to 201,000 comes out"


def test_4_to_8_hours_per_month_is_15000_to_25000_per_year(sme: dict[str, Figure]) -> None:
    assert Fraction(15_000, 4 * 12) != Fraction(25_000, 8 * 12), "no one hourly rate gives both ends"
    assert _is(sme["operations"], 15_000, Fraction(15_000, 4 * 12) * 8 * 12)
    assert sme["operations"].verdict == "follows in part"


def test_break_even_versus_claude_team_at_about_5000_per_month(sme: dict[str, Figure]) -> None:
    assert _is(sme["break-even"], Fraction(176_000, 36))
    assert 22 * 215 < Fraction(176_000, 36) < 23 * 215
    assert sme["break-even"].verdict == "follows"


def test_self_hosted_wins_at_cloud_spend_above_5000_per_month(sme: dict[str, Figure]) -> None:
    assert 5_000 * 36 > 176_000 > 4_800 * 36
    assert _is(sme["wins-above"], Fraction(176_000, 36))
    assert sme["wins-above"].verdict == "follows"


def test_claude_team_is_marginally_cheaper_than_self_hosted(sme: dict[str, Figure]) -> None:
    assert _is(sme["marginally"], 176_000 - 116_100)
    assert "52%" in sme["marginally"].arithmetic
    assert sme["marginally"].verdict == "does not follow"


def test_with_claude_enterprise_self_hosted_becomes_significantly_cheaper(sme: dict[str, Figure]) -> None:
    assert _is(sme["significantly"], 189_000 - 176_000, 270_000 - 176_000)
    assert sme["significantly"].verdict == "follows in part", "7 % at the lower end, 35 % at the upper"


def test_about_12000_per_year_on_electricity(sme: dict[str, Figure]) -> None:
    krone = Fraction("7.46038")
    assert _is(sme["electricity"], 876 * Fraction("0.089") * krone, 6132 * Fraction("0.276") * krone)
    assert sme["electricity"].verdict == "no inputs given"


def test_purchase_price_60000_to_90000(sme: dict[str, Figure]) -> None:
    assert (60_000 - 2 * 22_000, 60_000 - 2 * 18_000) == (16_000, 24_000)
    assert (90_000 - 2 * 22_000, 90_000 - 2 * 18_000) == (46_000, 54_000)
    assert sme["server"].verdict == "no inputs given"


def test_about_1500_to_3000_for_a_2_week_test(sme: dict[str, Figure]) -> None:
    krone_per_dollar = Fraction("7.46038") / Fraction("1.1225")
    hours = 2 * 14 * 24
    assert _is(sme["pilot"], hours * Fraction("0.34") * krone_per_dollar, hours * Fraction("0.74") * krone_per_dollar)
    assert sme["pilot"].verdict == "no inputs given"


def test_no_figure_is_without_a_test(sme: dict[str, Figure]) -> None:
    assert len(sme) == 22

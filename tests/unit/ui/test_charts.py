"""Charts are well-formed SVG, say what they show, and escape what they are told."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from provision.ui.charts import Bar, Mark, Series, choose_ticks, draw_lines, draw_tornado, spread

_SVG = ElementTree.Element


def _lines(name: str = "a <b>", marks: tuple[Mark, ...] = ()) -> _SVG:
    series = [Series(name, [(0, 80), (36, 176)]), Series("cloud", [(0, 0), (36, 116)])]
    text = draw_lines(
        "costs",
        "Costs & more",
        "Cloud stays below.",
        series,
        x_label="months",
        y_label="DKK",
        show_x=lambda value: f"{value:.0f}",
        show_y=lambda value: f"{value:.0f}",
        marks=marks,
    )
    return ElementTree.fromstring(text)  # noqa: S314 - our own text


def _all_text(svg: _SVG) -> list[str]:
    return [element.text or "" for element in svg.iter("text")]


def test_a_line_chart_names_every_series_and_escapes_it() -> None:
    svg = _lines()
    assert {"a <b>", "cloud", "months", "DKK"} <= set(_all_text(svg))
    assert len(list(svg.iter("polyline"))) == 2


def test_a_chart_has_a_title_and_a_description_for_screen_readers() -> None:
    svg = _lines()
    labels = (svg.get("aria-labelledby") or "").split()
    assert svg.get("role") == "img"
    assert [element.get("id") for element in (svg.find("title"), svg.find("desc")) if element is not None] == labels


def test_a_higher_cost_is_drawn_higher() -> None:
    first, second = (element.get("points", "").split()[-1] for element in _lines().iter("polyline"))
    assert float(first.split(",")[1]) < float(second.split(",")[1])


def test_a_mark_is_on_its_line() -> None:
    svg = _lines(marks=(Mark(36, 176, "here"),))
    circle = next(svg.iter("circle"))
    end = next(svg.iter("polyline")).get("points", "").split()[-1]
    assert f"{circle.get('cx')},{circle.get('cy')}" == end


def test_a_tornado_reaches_from_the_base_to_both_outcomes() -> None:
    bars = [Bar("purchase", 30.0, -10.0, "60", "90"), Bar("seats", 12.0, 8.0, "14", "16")]
    svg = ElementTree.fromstring(draw_tornado("t", "T", "D", bars, base=10.0, show=str))  # noqa: S314 - our own text
    rects = [(float(r.get("x", "")), float(r.get("width", ""))) for r in svg.iter("rect")]
    assert len(rects) == 4
    assert rects[0][0] == rects[1][0] + rects[1][1], "the two halves of the first bar meet at the base"
    assert rects[0][1] == rects[1][1] > rects[2][1]


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9))
def test_ticks_hold_the_range_and_are_evenly_apart(low: float, width: float) -> None:
    ticks = choose_ticks(low, low + width)
    tolerance = (abs(low) + width) * 1e-6
    assert ticks[0] <= low + tolerance
    assert ticks[-1] >= low + width - tolerance
    steps = [there - here for here, there in pairwise(ticks)]
    assert max(steps) - min(steps) <= tolerance
    assert 1 <= len(steps) <= 12


@given(st.lists(st.floats(0, 300), min_size=1, max_size=15))
def test_names_do_not_overlap_and_stay_inside(wanted: list[float]) -> None:
    placed = sorted(spread(wanted, 15, 0, 300))
    assert all(there - here >= 15 - 1e-6 for here, there in pairwise(placed))
    assert placed[-1] <= 300 + 1e-6

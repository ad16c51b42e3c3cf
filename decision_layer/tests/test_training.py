"""The training code: its minimiser, its regression, and that a batch that is left out is left out."""

from __future__ import annotations

from collections import Counter

import numpy as np

from training.corpus import Labelled
from training.descent import Floats, minimise
from training.leave_out import batch_of, is_of
from training.regress import Design, fit


def _rosenbrock(at: Floats) -> tuple[float, Floats]:
    x, y = at
    return float((1 - x) ** 2 + 100 * (y - x * x) ** 2), np.array(
        [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]
    )


def test_the_minimum_of_a_narrow_valley_is_found() -> None:
    assert np.allclose(minimise(_rosenbrock, np.array([-1.2, 1.0]), 200), [1, 1], atol=1e-4)


def test_regression_learns_what_tells_classes_apart() -> None:
    rows = [Counter({"mosque": 1, "the": 1}), Counter({"lorry": 1, "the": 1})] * 5
    columns = {"mosque": 0, "lorry": 1, "the": 2}
    design = Design(rows, columns, np.ones(3))
    weights, bias = fit(design, np.array([1, 0] * 5), np.ones(10), 2, 1e-3, 50)
    odds = weights[:, 1] - weights[:, 0]
    assert odds[0] > 1
    assert odds[1] < -1
    assert abs(odds[2]) < 0.1
    assert abs(bias[1] - bias[0]) < 0.1


def test_a_scale_is_as_good_as_a_count() -> None:
    twice = Design([Counter({"a": 2})], {"a": 0}, np.ones(1))
    scaled = Design([Counter({"a": 1})], {"a": 0}, np.array([2.0]))
    weights = np.array([[3.0]])
    assert twice.times(weights).tolist() == scaled.times(weights).tolist() == [[6.0]]


def test_both_files_of_a_batch_belong_to_it() -> None:
    assert batch_of("tenth_categories") == batch_of("tenth_negatives") == "tenth"
    assert batch_of("hard_negatives") == batch_of("special_categories") == "first"
    assert batch_of("categories") == "held"
    assert is_of(Labelled("x", "none", "tenth_negatives", "t", True), "tenth")
    assert not is_of(Labelled("x", "none", "none tenth", "t", False), "tenth")

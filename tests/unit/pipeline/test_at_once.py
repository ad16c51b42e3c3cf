"""All are tried, and everything that failed is told together."""

from __future__ import annotations

import pytest

from provision.errors import ErrorGroup, RunError
from provision.pipeline.at_once import for_all


def test_results_come_in_the_order_of_the_items() -> None:
    assert for_all(range(20), lambda number: number * 2) == [number * 2 for number in range(20)]


def test_every_failure_is_told_and_the_others_are_done() -> None:
    done = []

    def work(number: int) -> None:
        if number % 2:
            raise RunError(f"{number} failed", where="here", hint="again")
        done.append(number)

    with pytest.raises(ErrorGroup) as caught:
        for_all(range(5), work)
    assert [error.what for error in caught.value.errors] == ["1 failed", "3 failed"]
    assert sorted(done) == [0, 2, 4]


def test_what_is_no_error_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        for_all([0], lambda number: 1 / number)

"""Which models are loaded for a card of a given memory."""

from __future__ import annotations

from itertools import takewhile

import pytest

from bench.gpu_cases import Case, choose_for_memory, choose_for_speed, read_cases
from provision.catalog.loader import load_catalog

MODELS = load_catalog().models


def within(gib: float) -> list[Case]:
    return list(choose_for_memory(MODELS, 1, lambda case: case.file_bytes <= gib * 2**30))


def test_every_family_that_fits_comes_before_a_second_of_any() -> None:
    cases = within(22)
    families = [MODELS[case.model].architecture.family for case in cases]
    first = list(takewhile(lambda n: families[n] not in families[:n], range(len(families))))
    assert {families[n] for n in first} == set(families)
    assert {"llama", "gpt-oss", "mamba2", "deepseek2", "qwen3moe", "bert"} <= set(families)


def test_the_largest_file_that_fits_is_taken_once_per_model() -> None:
    names = [case.model for case in within(10)]
    assert len(names) == len(set(names))
    assert next(case for case in within(10) if case.model == "llama3.1-8b").quant == "q8_0"
    assert next(case for case in within(6) if case.model == "llama3.1-8b").quant == "q4_k_m"
    assert "llama3.1-8b" not in {case.model for case in within(4)}


def test_a_model_of_large_files_alone_is_loaded_from_its_smallest() -> None:
    large = {case.model: case for case in within(80) if case.file_bytes > 20 * 2**30}
    assert large["qwen2.5-72b"].quant == "q4_k_m"
    assert "qwen3-32b" not in large


def test_with_several_cards_the_smallest_that_needs_them_all_comes_first() -> None:
    def fits(case: Case) -> bool:
        return case.file_bytes <= 22 * 2**30 * case.cards

    first, *rest = choose_for_memory(MODELS, 2, fits)
    assert (first.cards, first.title) == (2, "mistral-small-3.2-24b q8_0")
    assert {case.cards for case in rest} == {1}


def test_an_encoder_has_one_slot_and_is_not_timed() -> None:
    encoder = next(case for case in within(22) if case.model == "bge-m3")
    assert (encoder.parallel, encoder.context) == (1, 8192)
    timed = choose_for_speed(MODELS, 1, lambda case: True, 20 * 2**30)
    assert not [case for case in timed if case.encoder]


def test_timed_are_a_small_and_the_largest_dense_and_one_with_experts() -> None:
    small, large, experts = choose_for_speed(MODELS, 1, lambda case: True, 20 * 2**30)
    assert 4 * 2**30 <= small.file_bytes < large.file_bytes <= 20 * 2**30
    assert (small.experts, large.experts, experts.experts) == (False, False, True)
    assert large.model == "qwen3-32b"


def test_where_only_one_small_model_has_room_it_is_timed_once() -> None:
    timed = choose_for_speed(MODELS, 0, lambda case: case.model == "gemma-3-270m", 2**30)
    assert len(timed) == 1


def test_cases_are_read_from_words() -> None:
    (case,) = read_cases(["llama3.1-8b:q8_0"], MODELS, 1)
    assert (case.title, case.cards, case.workload.quant) == ("llama3.1-8b q8_0", 1, "q8_0")
    with pytest.raises(KeyError):
        read_cases(["no-such:q8_0"], MODELS, 1)

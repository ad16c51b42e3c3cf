"""All models against some cards: the table of `provision models --profile`."""

from __future__ import annotations

import pytest

from provision.catalog import load_catalog
from provision.models.architecture import Serving
from provision.planner import memory
from provision.planner.cards import imagine_cards
from provision.planner.demand import Demand, place_alone
from provision.planner.survey import survey_models

CATALOG = load_catalog()
CARDS = imagine_cards(CATALOG.gpus["rtx-4090"], 2)


def test_every_model_that_llama_cpp_serves_has_a_row_by_size() -> None:
    rows = survey_models(CATALOG, CARDS)
    served = [entry for entry in CATALOG.models.values() if "llama.cpp" in entry.engines and entry.quants]
    assert {row.model for row in rows} == {entry.id for entry in served}
    sizes = [CATALOG.models[row.model].parameters_b for row in rows]
    assert sizes == sorted(sizes)


def test_the_articles_recommendation_is_there() -> None:
    rows = {row.model: row for row in survey_models(CATALOG, CARDS)}
    llama = rows["llama3.3-70b"]
    assert (llama.quant, llama.verdict, llama.cards) == ("q4_k_m", "fits", 2)
    assert llama.max_context_tokens >= 8192
    assert rows["llama3.1-8b"].cards == 1
    assert rows["llama4-scout-17b-16e"].licence_warning
    assert rows["qwen2.5-72b"].verdict == "no"


@pytest.mark.parametrize("gpu", ["rtx-4000-sff-ada", "rtx-4090", "h100-sxm"])
def test_a_row_says_what_a_whole_placement_says(gpu: str) -> None:
    """Rows that are refused at a glance are refused by the memory model too, and those that fit do fit."""
    cards = imagine_cards(CATALOG.gpus[gpu], 2)
    rows = survey_models(CATALOG, cards)
    assert {row.verdict for row in rows} >= {"fits", "no"}
    for row in rows:
        shape = CATALOG.models[row.model].architecture
        context = min(8192, shape.max_context)
        serving = Serving(context=context, ubatch=context if shape.encoder else 512)
        weights = memory.weigh(shape, row.quant)
        demand = Demand(model=row.model, quant=row.quant, architecture=shape, weights=weights, serving=serving)
        placed = place_alone(demand, cards[: row.cards], CATALOG.gpus)
        assert placed.verdict == row.verdict, row.model

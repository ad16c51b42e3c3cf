"""A person finds a model by the name that the articles use, and is told where that name is wrong."""

from __future__ import annotations

import pytest

from provision.catalog import find_model, load_catalog
from provision.errors import ExitCode, UsageError

CATALOG = load_catalog()

REAL = {
    "Llama 3.3 70B": "llama3.3-70b",
    "Mistral Large 2": "mistral-large-2407",
    "Mixtral 8x22B": "mixtral-8x22b",
    "Qwen 3 32B": "qwen3-32b",
    "Mistral Small 3.2": "mistral-small-3.2-24b",
    "gpt-oss-120b": "gpt-oss-120b",
    "DeepSeek V4-Flash": "deepseek-v4-flash",
    "DeepSeek V4-Pro": "deepseek-v4-pro",
    "V4-Pro": "deepseek-v4-pro",
    "DeepSeek R1": "deepseek-r1",
    "R1": "deepseek-r1",
    "Llama 4 Scout": "llama4-scout-17b-16e",
    "Codestral Mamba": "codestral-mamba-7b",
}
"""Names in the two articles that a model has."""

WRONG = {
    "Llama 3.3 8B": ("llama3.1-8b", "Llama 3.1"),
    "Llama 3.3 405B": ("llama3.1-405b", "405B is Llama 3.1"),
    "Qwen 3 7B": ("qwen3-8b", "8B"),
    "Qwen 3 72B": ("qwen2.5-72b", "72B is Qwen2.5"),
    "Qwen 3 Coder 110B": ("qwen3-coder-next-80b-a3b", "no Qwen3 Coder 110B"),
    "DeepSeek Coder V4": ("deepseek-coder-v2-236b", "no DeepSeek Coder V4"),
    "Codestral Mamba 32B": ("codestral-mamba-7b", "7B"),
}
"""Names in the articles that no model has."""

VAGUE = {
    "Llama 3.3": "llama3.3-70b",
    "Llama 4": "llama4-scout-17b-16e",
    "Qwen 3": "qwen3-32b",
    "Mistral Small": "mistral-small-3.2-24b",
    "Mistral Large": "mistral-large-2407",
    "Mixtral": "mixtral-8x22b",
    "gpt-oss": "gpt-oss-120b",
    "DeepSeek V4": "deepseek-v4-flash",
    "Qwen 3 Coder": "qwen3-coder-30b-a3b",
}
"""Names in the articles that mean a family."""


@pytest.mark.parametrize(("name", "model"), REAL.items())
def test_a_real_name_needs_no_explanation(name: str, model: str) -> None:
    entry, explanation = find_model(CATALOG, name)
    assert (entry.id, explanation) == (model, None)


@pytest.mark.parametrize(("name", "expected"), WRONG.items())
def test_a_wrong_name_is_explained(name: str, expected: tuple[str, str]) -> None:
    entry, explanation = find_model(CATALOG, name)
    assert entry.id == expected[0]
    assert explanation is not None
    assert expected[1] in explanation


@pytest.mark.parametrize(("name", "model"), VAGUE.items())
def test_a_family_is_resolved_and_said(name: str, model: str) -> None:
    entry, explanation = find_model(CATALOG, name)
    assert entry.id == model
    assert explanation


@pytest.mark.parametrize("name", ["qwen3 72b", "QWEN 3-72B", "Qwen_3_72B", "qwen372b"])
def test_case_spaces_and_dashes_do_not_count(name: str) -> None:
    assert find_model(CATALOG, name)[0].id == "qwen2.5-72b"


def test_every_model_answers_to_its_own_names() -> None:
    for key, model in CATALOG.models.items():
        for name in (key, model.name, model.hf_repo, model.ollama_tag):
            if name:
                assert find_model(CATALOG, name) == (model, None), name


def test_no_name_means_two_models() -> None:
    owners: dict[str, str] = {}
    for model in CATALOG.models.values():
        aliases = [alias.name for alias in model.aliases]
        for name in (model.id, model.name, model.hf_repo, model.ollama_tag, *aliases):
            squeezed = (name or model.id).replace(" ", "").replace("-", "").casefold()
            assert owners.setdefault(squeezed, model.id) == model.id, name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("llama3.3-7b", "llama3.3-70b"),
        ("mixtrall 8x22", "mixtral-8x22b"),
        ("deepseek-r2", "deepseek-r1"),
        ("qqq", "provision models"),
    ],
)
def test_an_unknown_name_gets_the_closest_ones(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match="is not known") as caught:
        find_model(CATALOG, name, where="--model")
    assert hint in caught.value.hint
    assert caught.value.where == "--model"
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("Claude Opus 4.7", "Anthropic"),
        ("GPT-5.5", "OpenAI"),
        ("GPT-4", "OpenAI"),
        ("Gemini 3.1 Pro", "Google"),
        ("Mistral Medium 3.1", "Mistral"),
    ],
)
def test_a_service_without_weights_is_named_as_such(name: str, maker: str) -> None:
    with pytest.raises(UsageError, match=f"no public weights: only {maker}") as caught:
        find_model(CATALOG, name)
    assert "decision layer" in caught.value.hint

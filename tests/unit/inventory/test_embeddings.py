"""A plan with a model for embeddings: which flags its engine gets, and who is not offered it to chat with."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

from provision.errors import PlanError
from provision.inventory import build_inventory, required_secrets
from provision.models.inventory import InventoryInput
from provision.models.plan import Plan
from provision.models.routing import CloudModel, Routing

PlanOf = Callable[..., Plan]
TEMPLATES = Path(__file__).resolve().parents[3] / "roles" / "llama_cpp" / "templates"
SIZES = {"llama_cpp_http_threads": 64, "llama_cpp_cache_ram_mib": 0, "llama_cpp_context_checkpoints": 4}


def with_embeddings(plan: Plan, *, text: bool = True, **changes: Any) -> Plan:
    """The plan with 'search' before its own models, or instead of them."""
    search = plan.engines[0].model_copy(
        update={"name": "search", "port": 8090, "embeddings": True, "batch": 8192, "ubatch": 8192, **changes}
    )
    return plan.model_copy(update={"engines": (search, *(plan.engines if text else ()))})


def variables_of(plan: Plan, machine: str) -> dict[str, Any]:
    return dict(build_inventory(plan, InventoryInput()).host_vars[machine])


def command_line(instance: dict[str, Any]) -> list[str]:
    """The arguments that systemd gives the server: ${NAME} is one word, $NAME as many as it holds."""
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - no HTML
    text = environment.from_string((TEMPLATES / "instance.env.j2").read_text()).render(instance=instance, **SIZES)
    values = dict(re.findall(r'^([A-Z_]+)="(.*)"$', text, re.MULTILINE))
    unit = (TEMPLATES / "llama-cpp@.service.j2").read_text().replace("\\\n", " ")
    (line,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    words: list[str] = []
    for word in shlex.split(line):
        bare = re.fullmatch(r"\$([A-Z_]+)", word)
        filled = re.sub(r"\$\{([A-Z_]+)\}", lambda match: values[match[1]], word)
        words.extend(values[bare[1]].split() if bare else [filled])
    return words


@pytest.mark.parametrize("pooling", ["model", "mean"])
def test_the_planned_flags_reach_the_server(pooling: str, plan_of: PlanOf) -> None:
    plan = with_embeddings(plan_of(), pooling=pooling)
    search, chat = (command_line(instance) for instance in variables_of(plan, "engine")["llama_cpp_instances"])
    assert "--embeddings" in search
    assert search[search.index("--batch-size") + 1] == search[search.index("--ubatch-size") + 1] == "8192"
    assert ("--pooling" in search) is (pooling == "mean")
    if pooling == "mean":
        assert search[search.index("--pooling") + 1] == "mean"
    assert not {"--embeddings", "--pooling"} & set(chat)
    assert chat[chat.index("--batch-size") + 1] == "2048"
    assert "" not in search + chat


def test_an_instance_without_the_optional_values_is_a_text_server(plan_of: PlanOf) -> None:
    (instance,) = variables_of(plan_of(), "engine")["llama_cpp_instances"]
    optional = ("batch", "embeddings", "pooling")
    assert command_line({k: v for k, v in instance.items() if k not in optional}) == command_line(instance)


def test_nobody_is_offered_a_chat_with_it(plan_of: PlanOf) -> None:
    plan = plan_of()
    apps, before = (variables_of(each, "apps") for each in (with_embeddings(plan), plan))
    names = ("open_webui_engines", "open_webui_default_model", "n8n_model")
    assert {name: apps[name] for name in names} == {name: before[name] for name in names}
    assert apps["open_webui_default_model"] == apps["n8n_model"]["name"] == "auto"
    chats = yaml.safe_load(variables_of(with_embeddings(plan), "gateway")["decision_layer_policy"])["clients"][0]
    assert (chats["name"], chats["models"]) == ("open-webui", ["chat"])


def test_a_model_outside_can_be_chosen_all_the_same(plan_of: PlanOf) -> None:
    said = {"name": "cloud", "title": "Cloud", "provider": "firm", "zone": "eu", "url": "https://llm.example.org/v1"}
    model = CloudModel.model_validate_json(
        json.dumps({**said, "model": "small", "addresses": ["192.0.2.7"], "key": "firm"})
    )
    plan = with_embeddings(plan_of()).model_copy(update={"routing": Routing(models=(model,))})
    clients = yaml.safe_load(variables_of(plan, "gateway")["decision_layer_policy"])["clients"]
    assert {client["name"]: client.get("models") for client in clients[:2]} == {
        "open-webui": ["chat", "cloud"],
        "open-webui-documents": ["search"],
    }


def test_its_probe_asks_for_a_vector_with_its_own_key(plan_of: PlanOf) -> None:
    plan = with_embeddings(plan_of())
    probed = {entry["name"]: entry for entry in variables_of(plan, "engine")["probe_engines"]}
    assert {name: entry["embeddings"] for name, entry in probed.items()} == {"search": True, "chat": False}
    assert probed["search"]["url"].endswith(":8090")
    assert probed["search"]["api_key_file"] == "/etc/llama-cpp/search.key"
    assert "llama_cpp_api_key_search" in required_secrets(plan)


def test_without_a_model_that_writes_text_nothing_is_written(plan_of: PlanOf) -> None:
    with pytest.raises(PlanError) as raised:
        build_inventory(with_embeddings(plan_of(), text=False), InventoryInput())
    assert "needs a model that writes text" in raised.value.what
    assert "workload.models" in raised.value.hint

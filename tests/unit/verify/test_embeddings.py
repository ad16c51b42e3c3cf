"""A model for embeddings beside the one for chat: asked for a vector, and for nothing that only a text model does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from provision.models.observation import MachineObservation
from provision.models.observation_web import WebObservation
from provision.models.plan import Plan
from provision.models.report import CheckResult
from provision.verify.judge import judge

Amend = Callable[..., Any]
# What the probe told of the real llama-server (11434.0.0) with gemma-3-270m-q4_k_m, --embeddings --pooling mean.
VECTOR = {"dimensions": 640, "finite": True, "nonzero": True, "latency_ms": 336.7, "error": None}
UNIT = "llama-cpp@search.service"


@pytest.fixture(scope="module")
def both(plan: Plan) -> Plan:
    """The lab's plan with an encoder on the CPU, whose place the lab's small model takes."""
    document = json.loads(plan.model_dump_json())
    search = document["engines"][0] | {
        "name": "search",
        "wanted_model": "nomic-embed-text-v1.5",
        "embeddings": True,
        "pooling": "mean",
        "port": 8082,
        "split_mode": "none",
        "tensor_split": [],
        "gpu_layers": 0,
        "cards": [],
    }
    document["engines"].append(search)
    return Plan.model_validate(document)


@pytest.fixture(scope="module")
def judge_both(
    both: Plan, observations: dict[str, MachineObservation], web: WebObservation, amend: Amend
) -> Callable[..., tuple[CheckResult, ...]]:
    """Judge the healthy stack of two models with some values of the machine 'engine' changed."""
    document = json.loads(observations["engine"].model_dump_json())
    search = document["engines"][0] | {"name": "search", "unit": UNIT, "speed": None, "embedding": VECTOR}
    chat_unit = next(unit for unit in document["units"] if unit["name"] == "llama-cpp@chat.service")
    chat_socket = next(socket for socket in document["listeners"]["sockets"] if socket["port"] == 8081)
    healthy = amend(
        observations["engine"],
        {
            "engines": [*document["engines"], search],
            "units": [*document["units"], chat_unit | {"name": UNIT}],
            "listeners.sockets": [*document["listeners"]["sockets"], chat_socket | {"port": 8082, "unit": UNIT}],
        },
    )

    assert web.workflow is not None
    assert web.workflow.report is not None
    rows = [row.model_dump() for row in web.workflow.report.engines]
    reported = amend(web, {"workflow.report.engines": [*rows, rows[0] | {"engine": "search"}]})

    def run(changes: dict[str, Any]) -> tuple[CheckResult, ...]:
        return judge(both, {**observations, "engine": amend(healthy, changes)}, reported)

    return run


def results(checks: tuple[CheckResult, ...], check: str) -> list[CheckResult]:
    return [result for result in checks if result.id == check]


def test_a_vector_passes_and_no_text_is_asked_for(judge_both: Callable[..., tuple[CheckResult, ...]]) -> None:
    checks = judge_both({})
    assert [check for check in checks if check.status != "passed"] == []
    (vector,) = results(checks, "embedding_answer")
    assert (vector.title, vector.machine, vector.duration_s) == ("Embeddings, search", "engine", 0.3367)
    assert vector.measured == ("640 dimensions in 336.7 ms from gemma-3-270m, which stands for nomic-embed-text-v1.5")
    assert [result.title for result in results(checks, "tokens_per_second")] == ["Tokens per second, chat"]
    assert [result.title for result in results(checks, "chat_answer")] == ["Chat through Open WebUI, chat"]
    assert {result.title for result in results(checks, "engine_flags")} == {
        "Context and slots, chat",
        "Context and slots, search",
    }


@pytest.mark.parametrize(
    ("given", "words", "step"),
    [
        ({"error": "http://10.42.0.11:8082/v1/embeddings answered 501"}, "answered 501", "(--embeddings)"),
        (VECTOR | {"dimensions": 0, "nonzero": False}, "the vector is empty", "provision up"),
        (VECTOR | {"finite": False}, "640 values, not all of them numbers", "checksum"),
        (VECTOR | {"nonzero": False}, "640 values, all of them 0", "checksum"),
        (None, "no vector was asked for", "provision up"),
    ],
    ids=["refused", "empty", "not finite", "zeros", "not asked"],
)
def test_each_fault_is_one_red_line_with_the_next_step(
    given: dict[str, Any] | None, words: str, step: str, judge_both: Callable[..., tuple[CheckResult, ...]]
) -> None:
    red = [check for check in judge_both({"engines.1.embedding": given}) if check.status == "failed"]
    assert [result.title for result in red] == ["Embeddings, search"]
    assert words in red[0].measured
    assert step in red[0].hint
    assert f"provision logs engine --unit {UNIT}" in red[0].hint


def test_an_engine_that_is_down_explains_a_missing_vector(judge_both: Callable[..., tuple[CheckResult, ...]]) -> None:
    changes = {"engines.1.health.ok": False, "engines.1.health.status": 503, "engines.1.embedding": None}
    checks = judge_both(changes)
    assert {check.id for check in checks if check.status == "failed"} == {"service_health"}
    (vector,) = results(checks, "embedding_answer")
    assert vector.status == "skipped"
    assert "service_health" in vector.measured

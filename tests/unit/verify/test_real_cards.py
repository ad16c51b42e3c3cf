"""Two real cards with a 70B model split over both: what the engine reports and what NVML measures."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from provision.models.observation import MachineObservation
from provision.models.observation_web import WebObservation
from provision.models.plan import Plan
from provision.models.report import CheckResult
from provision.verify.judge import judge, measure_cards
from provision.verify.vram import TOLERANCE_FLOOR_MIB, tolerance_of

Amend = Callable[..., Any]
UUIDS = ("GPU-11111111-1111-1111-1111-111111111111", "GPU-22222222-2222-2222-2222-222222222222")


@pytest.fixture(scope="module")
def live(live_plan: Plan, observations: dict[str, MachineObservation], amend: Amend) -> dict[str, MachineObservation]:
    """The lab's observations with the figures of real cards, as the plan expects them."""
    engine = live_plan.engines[0]
    changes: dict[str, Any] = {
        "gpu.simulated": False,
        "gpu.driver_version": "580.126.18",
        "gpu.kernel_module_version": "580.126.18",
        "gpu.kernel_module_source": "proc",
        "vram_before.0.gpu.simulated": False,
        "releases.0.current": next(s.release for s in live_plan.services if s.name == engine.service),
        "engines.0.props.model_path": f"/var/lib/llama-cpp/models/{engine.model_file}",
        "engines.0.props.context_tokens": 8192,
        "engines.0.process.cuda_visible_devices": ",".join(UUIDS),
        "engines.0.load.layers_offloaded": 81,
        "engines.0.load.layers_total": 81,
        "engines.0.load.buffers": [
            {"device": f"CUDA{place}", "kind": kind, "mib": float(mib)}
            for place, budget in enumerate(engine.cards)
            for kind, mib in (("model", budget.weights_mib), ("kv", budget.kv_mib), ("compute", budget.compute_mib))
        ],
        "engines.0.speed.predicted_tok_s": 19.1,
    }
    for place, budget in enumerate(engine.cards):
        changes[f"gpu.devices.{place}.uuid"] = UUIDS[place]
        changes[f"gpu.devices.{place}.memory.used_mib"] = budget.total_mib + 30
        changes[f"vram_before.0.gpu.devices.{place}.uuid"] = UUIDS[place]
        changes[f"vram_before.0.gpu.devices.{place}.memory.used_mib"] = 12
    return {**observations, "engine": amend(observations["engine"], changes)}


@pytest.fixture
def judge_live(live_plan: Plan, live: dict[str, MachineObservation], web: WebObservation, amend: Amend) -> Any:
    def run(changes: dict[str, Any]) -> tuple[CheckResult, ...]:
        checks = judge(live_plan, {**live, "engine": amend(live["engine"], changes)}, web)
        return tuple(check for check in checks if check.status == "failed" and check.machine == "engine")

    return run


def test_a_real_model_does_not_say_the_same_of_unlike_documents(
    live_plan: Plan, live: dict[str, MachineObservation], web: WebObservation, amend: Amend
) -> None:
    """Not asked of the lab's small model, which is not judged for being right."""
    constant = amend(web, {"workflow.documents.1.summary": "Invoice 2207"})
    failed = [check for check in judge(live_plan, live, constant) if check.status == "failed"]
    assert [check.id for check in failed] == ["document_class"]
    assert "have the same summary" in failed[0].measured


def test_healthy_real_cards_are_green_and_not_marked(
    live_plan: Plan, live: dict[str, MachineObservation], web: WebObservation
) -> None:
    checks = judge(live_plan, live, web)
    assert [check for check in checks if check.status != "passed"] == []
    assert not any(check.simulated for check in checks)


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"gpu.simulated": True}, "gpu_visible", "simulated"),
        ({"engines.0.load.layers_offloaded": 0}, "model_resident", "model on CPU only: 0 of 81 layers"),
        # As Ollama's /api/ps tells it.
        (
            {"engines.0.props.size_mib": 43000, "engines.0.props.size_vram_mib": 0},
            "model_resident",
            "model on CPU only: 0 of 43000 MiB",
        ),
        (
            {"engines.0.props.size_mib": 43000, "engines.0.props.size_vram_mib": 40000},
            "model_resident",
            "part of the model on the CPU: 40000 of 43000",
        ),
        ({"engines.0.load.layers_offloaded": 60}, "model_resident", "part of the model on the CPU: 60 of 81"),
        ({"engines.0.process.cuda_visible_devices": "1,0"}, "model_resident", "wrong card"),
        ({"engines.0.process.cuda_visible_devices": None}, "model_resident", "is not set"),
        ({"engines.0.load.buffers.0.mib": 9000.0}, "model_resident", "the engine reports"),
        ({"engines.0.speed.predicted_tok_s": 4.0}, "tokens_per_second", "4.0 tokens/s"),
        ({"engines.0.speed.predicted_tok_s": 90.0}, "tokens_per_second", "90.0 tokens/s"),
        ({"gpu.devices.0.memory.used_mib": 12}, "vram_planned", "nothing on the card"),
        ({"gpu.devices.0.memory.used_mib": 15000}, "vram_planned", "MiB less than planned"),
        ({"gpu.devices.1.memory.used_mib": 24400}, "vram_planned", "another process holds 2492 MiB (the engine's own"),
        ({"gpu.devices": []}, "gpu_visible", "card missing: card 0 NVIDIA GeForce RTX 4090, card 1"),
    ],
)
def test_real_faults(judge_live: Any, changes: dict[str, Any], check: str, words: str) -> None:
    red = judge_live(changes)
    assert [result.id for result in red] == [check]
    assert words in red[0].measured
    assert red[0].hint


def test_memory_from_another_boot_is_not_used(
    live_plan: Plan, live: dict[str, MachineObservation], amend: Amend
) -> None:
    assert [card.before_mib for card in measure_cards(live_plan, live)] == [12, 12]
    old = {**live, "engine": amend(live["engine"], {"vram_before.0.boot_id": "another"})}
    assert [card.before_mib for card in measure_cards(live_plan, old)] == [None, None]


def test_a_card_without_memory_is_not_measured(
    live_plan: Plan, live: dict[str, MachineObservation], amend: Amend
) -> None:
    broken = {**live, "engine": amend(live["engine"], {"gpu.devices.1.memory": None})}
    assert [card.card for card in measure_cards(live_plan, broken)] == [0]


def test_two_models_on_one_card_make_the_first_snapshot_doubtful(
    plan: Plan, observations: dict[str, MachineObservation], amend: Amend
) -> None:
    """The second model's snapshot may hold the first one: it must not be taken for memory of a stranger."""
    document = json.loads(plan.model_dump_json())
    document["engines"].append({**document["engines"][0], "name": "second", "port": 8082})
    two = Plan.model_validate(document)
    first = observations["engine"]
    snapshots = json.loads(first.model_dump_json())["vram_before"]
    second = json.loads(json.dumps(snapshots[0] | {"engine": "second"}))
    for place in (0, 1):
        snapshots[0]["gpu"]["devices"][place]["memory"]["used_mib"] = 192
        second["gpu"]["devices"][place]["memory"]["used_mib"] = 200
    seen = amend(first, {"vram_before": [snapshots[0], second]})
    assert [card.before_mib for card in measure_cards(two, {"engine": seen})] == [None, None]


def test_tolerance_has_a_floor() -> None:
    assert tolerance_of(192) == TOLERANCE_FLOOR_MIB
    assert tolerance_of(22743) == 2274

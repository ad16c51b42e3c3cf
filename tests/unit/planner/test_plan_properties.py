"""What holds for every plan that is given at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.errors import ErrorGroup, PlanError
from provision.models.catalog import Catalog
from provision.models.lab import LabModel
from provision.models.plan import Plan
from provision.models.profile import Profile
from provision.planner import build_plan, plan_digest

MakeProfile = Callable[..., Profile]
Make = Callable[..., dict[str, Any]]

MODEL = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["llama3.3-70b", "gemma-3-270m"]),
        "quant": st.sampled_from(["q4_k_m", "q4_k_m", "q4_k_m", "q3_k_m", "q8_0"]),
        "context": st.integers(256, 40000),
        "parallel": st.integers(1, 8),
        "kv": st.sampled_from(["f16", "q8_0", "q4_0"]),
        "gpus": st.one_of(st.none(), st.lists(st.integers(0, 3), max_size=3)),
    }
)
SERVICES = ["llama_cpp", "postgresql", "open_webui", "n8n", "caddy"]
LAYOUT = st.tuples(*(st.integers(0, 4) for _ in SERVICES))
GPUS = st.lists(
    st.fixed_dictionaries({"model": st.sampled_from(["rtx-4090", "big"]), "count": st.integers(1, 3)}), max_size=2
)


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, int]]:
    """Counts both outcomes: a property that saw only refusals, or none, would prove nothing."""
    counts = {"planned": 0, "refused": 0}
    yield counts
    assert min(counts.values()) > 10, counts


@settings(max_examples=300, deadline=None)
@given(
    layout=LAYOUT,
    addresses=st.lists(st.integers(2, 20), min_size=5, max_size=5),
    models=st.lists(MODEL, min_size=1, max_size=4),
    gpus=GPUS,
    lab=st.booleans(),
)
def test_every_plan_is_sound(
    seen: dict[str, int],
    make_profile: MakeProfile,
    make_machine: Make,
    make_model: Make,
    catalog: Catalog,
    lab_model: LabModel,
    layout: tuple[int, ...],
    addresses: list[int],
    models: list[dict[str, Any]],
    gpus: list[dict[str, Any]],
    lab: bool,
) -> None:
    placed = {m: [s for s, home in zip(SERVICES, layout, strict=True) if home == m] for m in range(5)}
    machines = [
        make_machine(f"m{m}", services, addresses[m], memory="96GiB", disk="20GiB")
        for m, services in placed.items()
        if services
    ]
    profile = make_profile(
        gpus=gpus,
        machines=machines,
        workload={"models": [make_model(f"model{i}", **model) for i, model in enumerate(models)]},
        hardware={
            "cpu": {"model": "c", "cores": 8},
            "memory": "1TiB",
            "storage": "2TB",
            "gpus": gpus,
        },
    )
    target: Any = "lab" if lab else "live"
    try:
        plan = build_plan(profile, catalog, client="c", target=target, lab=lab_model if lab else None)
    except (PlanError, ErrorGroup):
        seen["refused"] += 1
        return
    seen["planned"] += 1
    check(plan)
    again = build_plan(profile, catalog, client="c", target=target, lab=lab_model if lab else None)
    assert plan_digest(again) == plan_digest(plan)


def check(plan: Plan) -> None:
    addresses = [machine.address for machine in plan.machines]
    assert len(set(addresses)) == len(addresses)
    assert plan.gateway not in addresses
    assert all(address in plan.network for address in addresses)
    check_flows(plan)
    for card in plan.cards:
        taken = sum(b.total_mib for engine in plan.engines for b in engine.cards if b.card == card.index)
        assert taken <= card.usable_mib
    ports = [(engine.machine, engine.port) for engine in plan.engines]
    assert len(set(ports)) == len(ports)


def check_flows(plan: Plan) -> None:
    """Every flow ends at something that was planned there."""
    gateway = next((s.machine for s in plan.services if s.name == "caddy"), None)
    there: set[tuple[str | None, int | None]] = {(service.machine, service.port) for service in plan.services}
    there |= {(engine.machine, engine.port) for engine in plan.engines}
    there |= {(gateway, site.port) for site in plan.sites}
    there |= {(machine.name, 22) for machine in plan.machines}
    assert {(flow.target, flow.port) for flow in plan.flows} <= there
    assert all(flow.source != flow.target for flow in plan.flows)
    keys = [(flow.source, flow.target, flow.port) for flow in plan.flows]
    assert len(set(keys)) == len(keys)

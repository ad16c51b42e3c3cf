"""Plans of the built-in profiles, as the inventory gets them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provision.catalog import load_catalog
from provision.models.lab import LabModel
from provision.models.plan import Plan
from provision.planner import build_plan
from provision.profile import load_profile

PlanOf = Callable[..., Plan]

LAB_MODEL = LabModel(
    id="gemma-3-270m",
    quant="q4_k_m",
    file="gemma-3-270m-q4_k_m.gguf",
    weights_mib=241,
    compute_mib=60,
    process_overhead_mib=50,
    max_context=2048,
)


@pytest.fixture(scope="session")
def plan_of() -> PlanOf:
    """The plan of a built-in profile with `--set` overrides; `lab` for the lab's."""

    def make(profile: str = "sme-2x4090", *overrides: str, lab: bool = False, client: str = "acme") -> Plan:
        return build_plan(
            load_profile(profile, overrides=overrides).profile,
            load_catalog(),
            client=client,
            target="lab" if lab else "live",
            lab=LAB_MODEL if lab else None,
        )

    return make

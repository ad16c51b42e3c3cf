"""A built-in profile with a machine for Langfuse added to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import yaml

from provision.models.lab import LabModel
from provision.models.plan import Plan
from provision.models.profile import Machine, Profile
from provision.pipeline.service_files import target_catalog
from provision.planner import build_plan
from provision.profile import load_profile

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "tracing.md"
LAB_MODEL = LabModel(
    id="gemma-3-270m",
    quant="q4_k_m",
    file="gemma-3-270m-q4_k_m.gguf",
    weights_mib=241,
    compute_mib=60,
    process_overhead_mib=50,
    max_context=2048,
)


def documented_machine() -> dict[str, Any]:
    """What docs/tracing.md tells people to add."""
    snippet = re.search(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert snippet
    (entry,) = yaml.safe_load(snippet[1])["machines"]
    return dict(entry)


def profile_with_tracing(**changes: str) -> Profile:
    """A node's profile with that machine."""
    entry = documented_machine()
    machine = Machine.model_validate({**entry, **changes, "services": tuple(entry["services"])})
    profile = load_profile("sme-2x4090").profile
    return profile.model_copy(update={"machines": (*profile.machines, machine)})


def with_tracing(target: Literal["live", "lab"] = "live") -> Plan:
    lab = target == "lab"
    return build_plan(
        profile_with_tracing(),
        target_catalog(lab=lab),
        client="acme",
        target=target,
        lab=LAB_MODEL if lab else None,
    )

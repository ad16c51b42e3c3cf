"""The healthy lab stack of tests/fixtures, and a receipt made of it without the verify stage."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from provision.models.plan import Plan
from provision.models.report import CardMeasurement, CheckResult, Receipt, SignedReceipt, StageTime

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
Show = Callable[..., str]


@pytest.fixture(scope="session")
def plan() -> Plan:
    return Plan.model_validate_json((FIXTURES / "sme-2x4090-lab" / "plan.json").read_text())


@pytest.fixture(scope="session")
def live_plan() -> Plan:
    return Plan.model_validate_json((FIXTURES / "sme-2x4090-live" / "plan.json").read_text())


@pytest.fixture
def show() -> Show:
    """Render as on a terminal without colours, trailing blanks cut."""

    def render(item: RenderableType, width: int = 80) -> str:
        stream = io.StringIO()
        Console(file=stream, width=width, highlight=False, markup=False, emoji=False).print(item)
        return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())

    return render


def check(status: str, **more: object) -> CheckResult:
    return CheckResult.model_validate(
        {
            "id": "vram_planned",
            "title": "Planned and measured memory, card 0",
            "machine": "engine",
            "status": status,
            "expected": "192 MiB (± 128 MiB)",
            "measured": "188 MiB in use",
            "simulated": True,
        }
        | more
    )


@pytest.fixture
def receipt() -> Receipt:
    """One check of each status."""
    return Receipt(
        id="20261122T034000Z-ab12",
        created=datetime(2026, 11, 22, 3, 40, tzinfo=UTC),
        provision_version="0.1.0",
        client="acme",
        profile="sme-2x4090",
        target="lab",
        simulated=True,
        plan_sha256="0" * 64,
        verdict="failed",
        checks=(
            check("passed"),
            check(
                "failed",
                id="cuda_init",
                title="CUDA starts",
                measured="cuInit(0) = 999: /dev/nvidia-uvm is missing",
                hint="on the host run 'nvidia-modprobe -u -c 0'",
                duration_s=0.5,
            ),
            check("skipped", id="tls", title="TLS, chat", machine=None, measured="follows from cuda_init"),
        ),
        cards=(
            CardMeasurement(
                card=0,
                name="NVIDIA GeForce RTX 4090",
                uuid="GPU-db729b20-5888-503b-8a11-95fb55a51fa4",
                total_mib=24564,
                planned_mib=12000,
                before_mib=1000,
                measured_mib=13500,
                tolerance_mib=1200,
                simulated=True,
            ),
        ),
        releases={"n8n": "2.41.1-5c7f21d13c71"},
        stages=(StageTime(stage="plan", seconds=0.1), StageTime(stage="run", seconds=141.0)),
        urls={"chat": "https://10.42.0.10/"},
    )


@pytest.fixture
def signed(receipt: Receipt) -> SignedReceipt:
    return SignedReceipt(receipt=receipt, public_key="ab" * 32, signature="cd" * 64)

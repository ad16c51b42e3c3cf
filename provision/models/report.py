"""Verification results and the receipt."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from provision.models.base import Frozen

Status = Literal["passed", "failed", "skipped"]


class CheckResult(Frozen):
    """One check: what was expected, what was measured, and the next step if they differ."""

    id: str
    title: str
    machine: str | None
    status: Status
    expected: str
    measured: str
    hint: str = ""
    simulated: bool = False
    duration_s: float = 0.0


class CardMeasurement(Frozen):
    """Planned and measured memory of one card, MiB."""

    card: int
    name: str
    uuid: str
    total_mib: int
    planned_mib: int
    before_mib: int | None
    measured_mib: int
    tolerance_mib: int
    simulated: bool
    power_w: float | None = Field(default=None, exclude_if=lambda watts: watts is None)
    """Drawn when the memory was read, models loaded. Left out of the signed text where it is not
    known, so that receipts from before it was measured are still what was signed."""


class StageTime(Frozen):
    stage: str
    seconds: float


class Receipt(Frozen):
    """What was measured, when, on which plan. Signed as canonical JSON with ed25519."""

    format: Literal[1] = 1
    id: str
    created: datetime
    provision_version: str
    client: str
    profile: str
    target: Literal["live", "lab"]
    simulated: bool
    plan_sha256: str
    verdict: Literal["passed", "failed"]
    checks: tuple[CheckResult, ...]
    cards: tuple[CardMeasurement, ...]
    releases: dict[str, str]
    stages: tuple[StageTime, ...]
    urls: dict[str, str]


class SignedReceipt(Frozen):
    """The receipt, the public key (hex) and the signature (hex) over its canonical JSON."""

    receipt: Receipt
    public_key: str
    signature: str

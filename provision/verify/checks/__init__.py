"""All checks, in the order in which they are judged: causes before consequences. A new check is added here."""

from __future__ import annotations

from provision.verify.checks import (
    chat_answer,
    chat_login,
    cuda_init,
    driver_match,
    embedding_answer,
    engine_flags,
    gpu_visible,
    listeners,
    machine_answers,
    model_resident,
    no_egress,
    ports_outside,
    releases,
    service_health,
    tls,
    tokens_per_second,
    vram_planned,
    vram_total,
    workflow_run,
)
from provision.verify.evidence import Check

CHECKS: tuple[Check, ...] = (
    machine_answers.CHECK,
    driver_match.CHECK,
    gpu_visible.CHECK,
    cuda_init.CHECK,
    vram_total.CHECK,
    releases.CHECK,
    service_health.CHECK,
    engine_flags.CHECK,
    model_resident.CHECK,
    vram_planned.CHECK,
    tokens_per_second.CHECK,
    embedding_answer.CHECK,
    listeners.CHECK,
    ports_outside.CHECK,
    no_egress.CHECK,
    tls.CHECK,
    chat_login.CHECK,
    chat_answer.CHECK,
    workflow_run.CHECK,
)

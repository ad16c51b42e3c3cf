"""`provision fit`: one model on one kind of card, answered by the same planner that plans a stack."""

from __future__ import annotations

from typing import Literal

from provision.catalog import load_catalog
from provision.errors import ErrorGroup, PlanError, UsageError
from provision.models.base import Frozen
from provision.models.plan import Plan
from provision.models.profile import (
    Cpu,
    GpuGroup,
    Hardware,
    KvType,
    Machine,
    Platform,
    Profile,
    Workload,
    WorkloadModel,
)
from provision.planner import build_plan

_AMPLE = "8TiB"
"""Memory and disk of the imagined host: `fit` asks about the cards alone."""
_KV_TYPES: tuple[KvType, ...] = ("f16", "q8_0", "q4_0")


class CardAnswer(Frozen):
    """MiB on one card."""

    index: int
    weights_mib: int
    kv_mib: int
    compute_mib: int
    overhead_mib: int
    total_mib: int
    usable_mib: int


class FitAnswer(Frozen):
    """`reasons` say why not, with what would fit instead. `decode_bound_tok_s` is an upper bound from bandwidth."""

    verdict: Literal["fits", "no"]
    per_gpu: tuple[CardAnswer, ...]
    decode_bound_tok_s: float | None
    reasons: tuple[str, ...]


def answer_fit(*, model: str, quant: str, gpu: str, count: int, context: int, parallel: int, kv: str) -> FitAnswer:
    """Raises UsageError for an unknown model, quantisation, GPU or KV type."""
    _require_known(model, quant, gpu, kv)
    profile = _imagine(model, quant, gpu, count, context, parallel, kv)
    try:
        plan = build_plan(profile, load_catalog(), client="fit", target="live", lab=None)
    except PlanError as error:
        return FitAnswer(verdict="no", per_gpu=(), decode_bound_tok_s=None, reasons=(error.what, error.hint))
    except ErrorGroup as group:
        reasons = tuple(text for error in group.errors for text in (error.what, error.hint))
        return FitAnswer(verdict="no", per_gpu=(), decode_bound_tok_s=None, reasons=reasons)
    return _read_answer(plan)


def _require_known(model: str, quant: str, gpu: str, kv: str) -> None:
    catalog = load_catalog()
    if model not in catalog.models:
        raise UsageError(f"the model '{model}' is not known", where="--model", hint="provision models lists them")
    quants = [known.name for known in catalog.models[model].quants]
    if quant not in quants:
        raise UsageError(f"'{quant}' of {model} is not known", where="--quant", hint="known are: " + ", ".join(quants))
    if gpu not in catalog.gpus:
        raise UsageError(f"the GPU '{gpu}' is not known", where="--gpu", hint="provision gpus lists them")
    if kv not in _KV_TYPES:
        raise UsageError(f"'{kv}' is no KV type", where="--kv", hint="one of: " + ", ".join(_KV_TYPES))


def _imagine(model: str, quant: str, gpu: str, count: int, context: int, parallel: int, kv: str) -> Profile:
    """A host that has plenty of everything but the cards in question."""
    wanted = WorkloadModel(
        name="asked",
        model=model,
        quant=quant,
        context=context,
        parallel=parallel,
        kv=next(known for known in _KV_TYPES if known == kv),
    )
    engine = Machine.model_validate(
        {"name": "engine", "services": ["llama_cpp"], "cores": 8, "memory": "4TiB", "disk": "4TiB", "address": 11}
    )
    return Profile(
        name="fit",
        platform=Platform(kind="proxmox"),
        hardware=Hardware.model_validate(
            {
                "cpu": Cpu(model="any", cores=64),
                "memory": _AMPLE,
                "storage": _AMPLE,
                "gpus": (GpuGroup(model=gpu, count=count),),
            }
        ),
        workload=Workload(models=(wanted,)),
        machines=(engine,),
    )


def _read_answer(plan: Plan) -> FitAnswer:
    engine = plan.engines[0]
    usable = {card.index: card.usable_mib for card in plan.cards}
    return FitAnswer(
        verdict="fits",
        per_gpu=tuple(
            CardAnswer(
                index=budget.card,
                weights_mib=budget.weights_mib,
                kv_mib=budget.kv_mib,
                compute_mib=budget.compute_mib,
                overhead_mib=budget.overhead_mib,
                total_mib=budget.total_mib,
                usable_mib=usable[budget.card],
            )
            for budget in engine.cards
        ),
        decode_bound_tok_s=engine.decode_bound_tok_s,
        reasons=(),
    )

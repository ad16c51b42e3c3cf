"""Does every engine report the planned context and number of slots?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation import EngineProps
from provision.models.plan import EngineInstance
from provision.verify.evidence import Check, Evidence, Verdict, machines_with_engines

CONTEXT_STEP_TOKENS = 256
"""llama.cpp rounds the context of a slot up to a multiple of 256."""


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    for engine in evidence.engines(machine):
        expected = f"{_slot_context(engine)} tokens of context in each of {engine.parallel} slots"
        seen = evidence.engine_seen(engine)
        props = seen.props if seen else None
        simulated = engine.simulated and bool(engine.cards)
        if props is None or props.error:
            reason = props.error if props else "the probe did not look at it"
            step = f"provision logs {machine}" + (f" --unit {seen.unit}" if seen and seen.unit else "")
            yield Verdict("failed", expected, f"the engine does not say: {reason}", step, engine.name, simulated)
            continue
        measured = f"{props.context_tokens} tokens in each of {props.slots} slots"
        if _matches(engine, props):
            yield Verdict("passed", expected, measured, "", engine.name, simulated)
        else:
            step = "provision up writes the engine's flags again and restarts it"
            yield Verdict("failed", expected, measured, step, engine.name, simulated)


def _matches(engine: EngineInstance, props: EngineProps) -> bool:
    context = props.context_tokens
    return (
        context is not None
        and _slot_context(engine) <= context < _slot_context(engine) + CONTEXT_STEP_TOKENS
        and props.slots == engine.parallel
    )


def _slot_context(engine: EngineInstance) -> int:
    """Tokens of one slot; the plan holds them for all slots together, as --ctx-size takes them."""
    return engine.context_tokens // engine.parallel


CHECK = Check(
    id="engine_flags",
    title="Context and slots",
    asks="The engine's own /props report the planned context per slot and number of slots.",
    fails="The engine runs with an older configuration, or shrank its context to fit.",
    targets=machines_with_engines,
    judge=judge,
    needs=("machine_answers", "service_health"),
)

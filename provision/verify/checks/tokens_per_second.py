"""How fast does every engine that writes text do so, against the bound that memory bandwidth sets?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.plan import EngineInstance
from provision.verify.evidence import Check, Evidence, Verdict, machines_with_engines
from provision.verify.next_step import logs_of

FLOOR_SHARE = 0.35
"""Of the bandwidth bound. Healthy single streams reach 0.45 (small, MoE) to 0.87 of it; a partial fallback to the CPU
falls far below (research: XiongjieDai's and llmfit's measurements, 0.48 to 0.87)."""
CEILING_SHARE = 1.10
"""More than the bound is physically impossible: another model or quantisation is loaded. The margin covers the
rounding of the datasheet's bandwidth."""
CPU_FLOOR_TOK_S = 1.0
"""Where no real card computes there is no bound; one token a second tells a working engine from a stuck one."""


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    for engine in (engine for engine in evidence.engines(machine) if not engine.embeddings):
        low, high = _range(engine)
        expected = f"at least {low:.1f} tokens/s" + (f", at most {high:.1f} (bandwidth)" if high else "")
        seen = evidence.engine_seen(engine)
        speed = seen.speed if seen else None
        simulated = engine.simulated and bool(engine.cards)
        rate = speed.predicted_tok_s if speed else None
        unit = seen.unit if seen else None
        if speed is None or speed.error or rate is None:
            reason = (speed.error if speed else None) or "no completion was timed"
            yield Verdict("failed", expected, reason, logs_of(machine, unit), engine.name, simulated)
            continue
        measured = f"{rate:.1f} tokens/s over {speed.predicted_tokens} tokens"
        if engine.simulated and engine.cards:
            measured += ", computed on the CPU: no card is real here"
        if rate < low:
            step = f"see model_resident and vram_planned; is the machine busy? {logs_of(machine, unit)}"
            yield Verdict("failed", expected, measured, step, engine.name, simulated)
        elif high is not None and rate > high:
            step = "another model or quantisation than planned is loaded: see model_resident"
            yield Verdict("failed", expected, measured, step, engine.name, simulated)
        else:
            seconds = (speed.latency_ms or 0.0) / 1000
            yield Verdict("passed", expected, measured, "", engine.name, simulated, seconds)


def _range(engine: EngineInstance) -> tuple[float, float | None]:
    """Floor and ceiling in tokens/s."""
    bound = engine.decode_bound_tok_s
    if bound is None or engine.simulated or not engine.cards:
        return CPU_FLOOR_TOK_S, None
    return bound * FLOOR_SHARE, bound * CEILING_SHARE


CHECK = Check(
    id="tokens_per_second",
    title="Tokens per second",
    asks="One timed completion; on real cards between 35 % and 110 % of the bandwidth bound, else at least 1 token/s.",
    fails="Layers on the CPU, a throttled or busy card, or another model than planned.",
    targets=machines_with_engines,
    judge=judge,
    needs=("machine_answers", "cuda_init", "service_health", "model_resident", "vram_planned"),
)

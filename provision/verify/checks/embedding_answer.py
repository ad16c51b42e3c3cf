"""Does every engine for embeddings give a vector for a text?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation import EngineEmbedding
from provision.verify.evidence import Check, Evidence, Verdict, machines_with_engines
from provision.verify.next_step import logs_of

_EXPECTED = "a vector of finite numbers, not all of them 0"


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    for engine in (engine for engine in evidence.engines(machine) if engine.embeddings):
        seen = evidence.engine_seen(engine)
        given = (seen.embedding if seen else None) or EngineEmbedding(error="no vector was asked for")
        simulated = engine.simulated and bool(engine.cards)
        problem = _find_problem(given, logs_of(machine, seen.unit if seen else None))
        if problem:
            yield Verdict("failed", _EXPECTED, *problem, engine.name, simulated)
            continue
        measured = f"{given.dimensions} dimensions in {given.latency_ms} ms"
        if engine.simulated:
            measured += f" from {engine.model}, which stands for {engine.wanted_model}"
        yield Verdict("passed", _EXPECTED, measured, "", engine.name, simulated, (given.latency_ms or 0.0) / 1000)


def _find_problem(given: EngineEmbedding, logs: str) -> tuple[str, str] | None:
    if given.error or not given.dimensions:
        step = "provision up writes the engine's flags (--embeddings) and the probe's configuration again"
        return given.error or "the vector is empty", f"{logs}; {step}"
    if given.finite and given.nonzero:
        return None
    what = "all of them 0" if given.finite else "not all of them numbers"
    step = f"provision up compares the model's file with its checksum; {logs} shows what the engine computes with"
    return f"{given.dimensions} values, {what}: texts cannot be told apart", step


CHECK = Check(
    id="embedding_answer",
    title="Embeddings",
    asks="Each engine for embeddings gives a vector for one short text: finite numbers, not all of them 0.",
    fails="The engine was not started for embeddings, its key is wrong, or the model's file is damaged.",
    targets=machines_with_engines,
    judge=judge,
    needs=("machine_answers", "cuda_init", "service_health", "model_resident", "vram_planned"),
)

"""`provision fit`: one model on one kind of card, by the formulas that plan a stack."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from provision.catalog import find_model, load_catalog
from provision.errors import PlanError, UsageError
from provision.headers import ModelShape, read_config, read_gguf, shape_of_gguf
from provision.models.architecture import Architecture, Engine, KvFormat, Serving, Weights
from provision.models.base import Frozen
from provision.models.catalog import Catalog, GpuEntry, ModelEntry
from provision.models.fit import FitAnswer
from provision.planner.cards import imagine_cards
from provision.planner.demand import Demand, list_files, weigh_checkpoint, weigh_file
from provision.planner.fit import answer_fit
from provision.planner.memory import GRAPHS, MIXTURES, weigh_tensors
from provision.planner.problems import list_choices

_FORMATS: dict[str, tuple[KvFormat, ...]] = {
    "llama.cpp": ("f16", "q8_0", "q4_0"),
    "ollama": ("f16", "q8_0", "q4_0"),
    "vllm": ("f16", "fp8"),
}
_BATCHED_TOKENS = 8192
"""--max-num-batched-tokens that a plan for vLLM would pass; --ubatch asks about another."""


class Question(Frozen):
    """The options of `provision fit`, as typed."""

    model: str | None
    quant: str | None
    gguf: Path | None
    config: Path | None
    gpu: str
    count: int
    context: int
    parallel: int
    kv: str
    engine: str
    ubatch: int | None
    tensor_parallel: int | None
    utilisation: float | None


class _Subject(Frozen):
    """The model in question, wherever it was described."""

    name: str
    quant: str
    architecture: Architecture
    weights: Weights
    entry: ModelEntry | None
    notes: tuple[str, ...]


def answer(question: Question) -> FitAnswer:
    """Raises UsageError for an unknown word, PlanError for a context beyond the model's own maximum.

    Of a file only the header is read; a damaged one raises UsageError or ProfileError.
    """
    catalog = load_catalog()
    engine = _choose_engine(question)
    gpu = _find_gpu(catalog, question.gpu)
    subject = _find_subject(catalog, question, engine)
    most = subject.architecture.max_context
    if question.context > most:
        raise PlanError(
            f"'{subject.name}' was trained for {most} tokens, {question.context} are asked for",
            where="--context",
            hint=f"write at most {most}",
        )
    demand = Demand(
        model=subject.name,
        quant=subject.quant,
        architecture=subject.architecture,
        weights=subject.weights,
        serving=_serve(question, engine, subject.architecture),
    )
    cards = imagine_cards(gpu, question.count)
    return answer_fit(demand, cards, catalog, entry=subject.entry, notes=subject.notes)


def _choose_engine(question: Question) -> Engine:
    engine: Engine | None = next((known for known in get_args(Engine) if known == question.engine), None)
    if engine is None:
        raise UsageError(
            f"the engine '{question.engine}' is not known", where="--engine", hint=", ".join(get_args(Engine))
        )
    if question.kv not in _FORMATS[engine]:
        hint = f"{engine} has: " + ", ".join(_FORMATS[engine])
        raise UsageError(f"'{question.kv}' is no KV type of {engine}", where="--kv", hint=hint)
    for option, value in (("--tensor-parallel", question.tensor_parallel), ("--utilisation", question.utilisation)):
        if value is not None and engine != "vllm":
            raise UsageError(f"{engine} has no {option}", where=option, hint="leave it out, or add --engine vllm")
    if question.tensor_parallel is not None and question.tensor_parallel != question.count:
        raise UsageError(
            f"{question.count} cards cannot be shared by groups of {question.tensor_parallel} here",
            where="--tensor-parallel",
            hint=f"write --count {question.tensor_parallel}: fit asks about one copy of the model",
        )
    return engine


def _find_gpu(catalog: Catalog, name: str) -> GpuEntry:
    if name not in catalog.gpus:
        raise UsageError(f"the GPU '{name}' is not known", where="--gpu", hint=list_choices(name, catalog.gpus))
    return catalog.gpus[name]


def _find_subject(catalog: Catalog, question: Question, engine: Engine) -> _Subject:
    given = [option for option in ("model", "gguf", "config") if getattr(question, option) is not None]
    if len(given) != 1:
        what = "no model is named" if not given else "more than one model is named: " + ", ".join(given)
        raise UsageError(what, where="provision fit", hint="give one of --model NAME, --gguf FILE, --config FOLDER")
    if question.gguf is not None:
        return _read_gguf(question.gguf)
    if question.config is not None:
        return _read_config(question.config)
    return _look_up(catalog, question, engine)


def _read_gguf(path: Path) -> _Subject:
    shape = _known(shape_of_gguf(read_gguf(path)))
    return _subject_of(shape, weigh_tensors(shape.architecture, shape.tensors))


def _read_config(path: Path) -> _Subject:
    shape = _known(read_config(path))
    return _subject_of(shape, weigh_checkpoint(shape.architecture, shape.weight_bytes))


def _known(shape: ModelShape) -> ModelShape:
    """A family whose graph is not known is taken as the plain one that is nearest, and that is said."""
    family = shape.architecture.family
    if family in GRAPHS:
        return shape
    nearest = "qwen3moe" if shape.architecture.experts else "llama"
    note = f"the family '{family}' is not known here: its compute buffers are taken as those of {nearest}"
    changed = shape.architecture.model_copy(update={"family": nearest})
    return shape.model_copy(update={"architecture": changed, "notes": (*shape.notes, note)})


def _subject_of(shape: ModelShape, weights: Weights) -> _Subject:
    return _Subject(
        name=shape.name,
        quant=shape.weight_type,
        architecture=shape.architecture,
        weights=weights,
        entry=None,
        notes=shape.notes,
    )


def _look_up(catalog: Catalog, question: Question, engine: Engine) -> _Subject:
    entry, explanation = find_model(catalog, question.model or "", where="--model")
    if engine not in entry.engines:
        able = ", ".join(entry.engines) or "no engine that provision knows"
        raise UsageError(f"{engine} does not serve {entry.id}", where="--engine", hint=f"served by: {able}")
    known = [quant.name for quant in list_files(entry, engine)]
    if question.quant not in known and (engine == "vllm" or question.quant not in MIXTURES):
        listed = ", ".join(known) or "none of known size"
        asked = f"'{question.quant}' of {entry.id} is not known" if question.quant else "no quantisation is named"
        raise UsageError(asked, where="--quant", hint=f"for {engine} known are: {listed}")
    quant = question.quant or ""
    grave = [f"licence: {finding.what}" for finding in entry.findings if finding.severity == "warning"]
    return _Subject(
        name=entry.id,
        quant=quant,
        architecture=entry.architecture,
        weights=weigh_file(entry, quant, engine),
        entry=entry,
        notes=(*([explanation] if explanation else ()), *grave, *_vision_note(entry.architecture)),
    )


def _vision_note(shape: Architecture) -> tuple[str, ...]:
    """The stack serves text; who loads the projector as well needs room for it on the first card."""
    if not shape.vision_mib:
        return ()
    return (f"text only: the vision projector would take another {shape.vision_mib} MiB of the first card",)


def _serve(question: Question, engine: Engine, shape: Architecture) -> Serving:
    usual = _BATCHED_TOKENS if engine == "vllm" else Serving().ubatch
    return Serving(
        engine=engine,
        context=question.context,
        parallel=question.parallel,
        kv=next(known for known in get_args(KvFormat) if known == question.kv),
        ubatch=question.ubatch or (question.context if shape.encoder else usual),
        tensor_parallel=question.count if engine == "vllm" else 1,
        utilisation=question.utilisation or Serving().utilisation,
    )

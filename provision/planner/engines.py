"""Which model goes on which cards, and the server flags that realise exactly that."""

from __future__ import annotations

from collections.abc import Sequence

from provision.models.catalog import Catalog, ModelEntry, squeeze
from provision.models.lab import LabModel
from provision.models.plan import Card, EngineInstance
from provision.models.profile import KvType, Machine, Profile, WorkloadModel
from provision.planner.demand import ENGINE_NAMES, Demand, demand_of, list_files
from provision.planner.instance import describe_instance
from provision.planner.placement import ENGINES
from provision.planner.problems import Problems, list_choices
from provision.planner.replicas import order_of, port_of
from provision.planner.sharing import Assignment, assign_cards
from provision.planner.simulation import simulate_engine

WRITERS_NEEDED = frozenset({"open_webui", "n8n"})
KV_FORMATS: dict[str, tuple[KvType, ...]] = {
    "llama_cpp": ("f16", "q8_0", "q4_0"),
    "ollama": ("f16", "q8_0", "q4_0"),
    "vllm": ("f16", "fp8"),
}
OS_RESERVE_MIB = 1024
"""Host memory left to the machine itself beside its models: an assumption."""


def plan_engines(
    profile: Profile,
    catalog: Catalog,
    homes: dict[str, Machine],
    cards: Sequence[Card],
    lab: LabModel | None,
    problems: Problems,
) -> tuple[EngineInstance, ...]:
    """One server process per model of the workload, in the profile's order."""
    demands = _read_workload(profile, catalog, cards, problems)
    assigned = assign_cards(profile, catalog, demands, cards, problems)
    _check_host_memory(homes, assigned, problems)
    _check_writers(homes, demands, problems)
    instances = []
    for index, assignment in sorted(assigned.items(), key=lambda item: order_of(item[1].model, item[0])):
        home = homes.get(assignment.model.engine)
        port = catalog.services[assignment.model.engine].port if home else None
        if home is None or port is None:
            continue
        threads = max(1, home.cores // len(demands))
        instance = describe_instance(assignment, home, port_of(assignment.model, index, port), catalog, threads=threads)
        instances.append(instance if lab is None else simulate_engine(instance, catalog, lab))
    return tuple(instances)


def _read_workload(profile: Profile, catalog: Catalog, cards: Sequence[Card], problems: Problems) -> dict[int, Demand]:
    demands: dict[int, Demand] = {}
    names: set[str] = set()
    for index, model in enumerate(profile.workload.models):
        at = f"workload.models.{order_of(model, index)[0]}"
        if model.name in names:
            problems.add(f"two models are called '{model.name}'", at=f"{at}.name", hint="rename one of them")
        names.add(model.name)
        _check_cards(model, len(cards), at, problems)
        entry = catalog.models.get(model.model)
        if entry is None:
            hint = _suggest_model(model.model, catalog)
            problems.add(f"model '{model.model}' is not in the catalogue", at=f"{at}.model", hint=hint)
            continue
        known = [quant.name for quant in list_files(entry, ENGINE_NAMES[model.engine])]
        if model.quant not in known:
            problems.add(
                f"'{entry.id}' has no quantisation '{model.quant}' for {model.engine} in the catalogue",
                at=f"{at}.quant",
                hint=list_choices(model.quant, known) if known else "it has no file there: choose another model",
            )
        _check_engine(model, entry, at, problems)
        most = entry.architecture.max_context
        if model.context > most:
            problems.add(
                f"'{entry.id}' was trained for {most} tokens, {model.context} are asked for",
                at=f"{at}.context",
                hint=f"write at most {most}",
            )
        if model.quant in known and model.context <= most:
            demands[index] = demand_of(entry, model, on_cards=_wants_cards(model, cards))
    return demands


def _check_engine(model: WorkloadModel, entry: ModelEntry, at: str, problems: Problems) -> None:
    """What an engine has no flag or no code for."""
    if entry.engines and ENGINE_NAMES[model.engine] not in entry.engines:
        able = ", ".join(name for name, known in ENGINE_NAMES.items() if known in entry.engines)
        problems.add(f"'{entry.id}' does not run on {model.engine}", at=f"{at}.engine", hint=f"write one of {able}")
    formats = KV_FORMATS[model.engine]
    if model.kv not in formats:
        hint = f"write one of {', '.join(formats)}"
        problems.add(f"{model.engine} has no KV cache of the type {model.kv}", at=f"{at}.kv", hint=hint)
    if model.gpu_share is not None and model.engine != "vllm":
        problems.add(
            f"gpu_share of '{model.name}' is vLLM's, and the model is on {model.engine}",
            at=f"{at}.gpu_share",
            hint="leave it out: what this engine takes is planned from the model",
        )


def _suggest_model(name: str, catalog: Catalog) -> str:
    """What was meant, by the articles' names too; else the closest ids."""
    named = catalog.list_names().get(squeeze(name))
    if named is None:
        return list_choices(name, catalog.models)
    entry, explanation = named
    return f"write {entry.id}" + (f": {explanation}" if explanation else "")


def _wants_cards(model: WorkloadModel, cards: Sequence[Card]) -> bool:
    return bool(cards) and model.gpus != ()


def _check_cards(model: WorkloadModel, count: int, at: str, problems: Problems) -> None:
    for wrong in sorted({index for index in model.gpus or () if index >= count}):
        problems.add(
            f"model '{model.name}' wants card {wrong}, the profile has {count}",
            at=f"{at}.gpus",
            hint=f"cards are numbered from 0 to {count - 1}" if count else "leave gpus out: there is no card",
        )
    if len(set(model.gpus or ())) < len(model.gpus or ()):
        problems.add(f"model '{model.name}' names a card twice", at=f"{at}.gpus", hint="name each card once")


def _check_writers(homes: dict[str, Machine], demands: dict[int, Demand], problems: Problems) -> None:
    """Services that talk to a model need one that writes text, not an encoder alone."""
    if not demands or any(not demand.architecture.encoder for demand in demands.values()):
        return
    for service in sorted(WRITERS_NEEDED & set(homes)):
        problems.add(
            f"'{service}' needs a model that writes text, and all models of the workload are encoders",
            at="workload.models",
            hint=f"add a chat model, or take {service} off machine '{homes[service].name}'",
        )


def _check_host_memory(homes: dict[str, Machine], assigned: dict[int, Assignment], problems: Problems) -> None:
    for machine in {homes[engine].name: homes[engine] for engine in sorted(ENGINES & set(homes))}.values():
        mine = [a for a in assigned.values() if a.model.engine in machine.services]
        wanted = {a.model.name: a.placed.host_mib for a in mine}
        room = machine.memory - OS_RESERVE_MIB
        if sum(wanted.values()) > room:
            each = ", ".join(f"{name} {mib}" for name, mib in wanted.items())
            problems.add(
                f"the models want {sum(wanted.values())} MiB of memory on '{machine.name}', {max(0, room)} MiB are "
                f"there for them ({each})",
                at="machines",
                hint=f"give '{machine.name}' at least {sum(wanted.values()) + OS_RESERVE_MIB} MiB, or choose a "
                "smaller model, quantisation or context",
            )

"""Which model goes on which cards, and the server flags that realise exactly that."""

from __future__ import annotations

from collections.abc import Sequence

from provision.models.base import Frozen
from provision.models.catalog import Catalog, ModelEntry
from provision.models.lab import LabModel
from provision.models.plan import Card, CardBudget, EngineInstance
from provision.models.profile import Machine, Profile, WorkloadModel
from provision.planner import vram
from provision.planner.fitting import explain_misfit
from provision.planner.problems import Problems, list_choices
from provision.planner.simulation import simulate_engine

OS_RESERVE_MIB = 1024
"""Host memory left to the machine itself beside its models: an assumption."""


class Assignment(Frozen):
    """A model with the cards it gets, in the order of the split; no card: the CPU."""

    model: WorkloadModel
    demand: vram.Demand
    cards: tuple[Card, ...]
    shares: tuple[float, ...]
    budgets: tuple[CardBudget, ...]


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
    assigned = _assign(profile, catalog, demands, cards, problems)
    _check_host_memory(homes, assigned, problems)
    instances = []
    for index, assignment in sorted(assigned.items()):
        home = homes.get(assignment.model.engine)
        port = catalog.services[assignment.model.engine].port if home else None
        if home is None or port is None:
            continue
        instance = _describe(assignment, home, port + index, threads=max(1, home.cores // len(demands)))
        instances.append(instance if lab is None else simulate_engine(instance, catalog, lab))
    return tuple(instances)


def name_model_file(model: str, quant: str) -> str:
    """The name a model's file has on the engine's machine."""
    return f"{model}-{quant}.gguf"


def _read_workload(
    profile: Profile, catalog: Catalog, cards: Sequence[Card], problems: Problems
) -> dict[int, vram.Demand]:
    demands: dict[int, vram.Demand] = {}
    names: set[str] = set()
    for index, model in enumerate(profile.workload.models):
        at = f"workload.models.{index}"
        if model.name in names:
            problems.add(f"two models are called '{model.name}'", at=f"{at}.name", hint="rename one of them")
        names.add(model.name)
        _check_cards(model, len(cards), at, problems)
        entry = catalog.models.get(model.model)
        if entry is None:
            hint = list_choices(model.model, catalog.models)
            problems.add(f"model '{model.model}' is not in the catalogue", at=f"{at}.model", hint=hint)
            continue
        size = {quant.name: quant.file_mib for quant in entry.quants}.get(model.quant)
        if size is None:
            problems.add(
                f"'{entry.id}' has no quantisation '{model.quant}' in the catalogue",
                at=f"{at}.quant",
                hint=list_choices(model.quant, (quant.name for quant in entry.quants)),
            )
        if model.context > entry.max_context:
            problems.add(
                f"'{entry.id}' was trained for {entry.max_context} tokens, {model.context} are asked for",
                at=f"{at}.context",
                hint=f"write at most {entry.max_context}",
            )
        if size is not None and model.context <= entry.max_context:
            demands[index] = vram.Demand(
                entry=entry, file_mib=size, context=model.context, parallel=model.parallel, kv=model.kv
            )
    return demands


def _check_cards(model: WorkloadModel, count: int, at: str, problems: Problems) -> None:
    for wrong in sorted({index for index in model.gpus or () if index >= count}):
        problems.add(
            f"model '{model.name}' wants card {wrong}, the profile has {count}",
            at=f"{at}.gpus",
            hint=f"cards are numbered from 0 to {count - 1}" if count else "leave gpus out: there is no card",
        )
    if len(set(model.gpus or ())) < len(model.gpus or ()):
        problems.add(f"model '{model.name}' names a card twice", at=f"{at}.gpus", hint="name each card once")


def _assign(
    profile: Profile,
    catalog: Catalog,
    demands: dict[int, vram.Demand],
    cards: Sequence[Card],
    problems: Problems,
) -> dict[int, Assignment]:
    """First the models whose cards are named, then the others, largest first: each on the fullest single card that
    has room, else over all cards."""
    free = {card.index: vram.room_of(card) for card in cards}
    models = profile.workload.models
    assigned: dict[int, Assignment] = {}
    for index in sorted(demands, key=lambda i: (models[i].gpus is None, -demands[i].file_mib, i)):
        model, demand = models[index], demands[index]
        if any(wanted not in free for wanted in model.gpus or ()):
            continue
        tried = [_try(model, demand, chosen, catalog, free) for chosen in _candidates(model, cards, free)]
        fitting = next((a for a in tried if all(b.total_mib <= free[b.card] for b in a.budgets)), None)
        if fitting is None:
            explain_misfit(model, demand, index, tried[-1].cards, tried[-1].budgets, free, catalog, problems)
            continue
        for budget in fitting.budgets:
            free[budget.card] -= budget.total_mib
        assigned[index] = fitting
    return assigned


def _candidates(model: WorkloadModel, cards: Sequence[Card], free: dict[int, int]) -> list[tuple[Card, ...]]:
    if model.gpus is not None:
        return [tuple(cards[index] for index in model.gpus)]
    singles = sorted(cards, key=lambda card: (free[card.index], card.index))
    together = [tuple(cards)] if len(cards) != 1 else []
    return [*((card,) for card in singles), *together]


def _try(
    model: WorkloadModel, demand: vram.Demand, cards: tuple[Card, ...], catalog: Catalog, free: dict[int, int]
) -> Assignment:
    overheads = [catalog.gpus[card.model].context_overhead_mib for card in cards]
    shares = vram.share_room(demand, [free[card.index] for card in cards], overheads)
    budgets = vram.budget_cards(demand, cards, overheads, shares) if cards else ()
    return Assignment(model=model, demand=demand, cards=cards, shares=shares, budgets=budgets)


def _check_host_memory(homes: dict[str, Machine], assigned: dict[int, Assignment], problems: Problems) -> None:
    for engine, machine in homes.items():
        wanted = {
            a.model.name: vram.host_mib(a.demand, on_cards=bool(a.cards))
            for a in assigned.values()
            if a.model.engine == engine
        }
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


def _describe(assignment: Assignment, home: Machine, port: int, *, threads: int) -> EngineInstance:
    model, demand, entry = assignment.model, assignment.demand, assignment.demand.entry
    several = len(assignment.cards) > 1
    return EngineInstance(
        name=model.name,
        service=model.engine,
        machine=home.name,
        wanted_model=entry.id,
        model=entry.id,
        quant=model.quant,
        model_file=name_model_file(entry.id, model.quant),
        simulated=False,
        port=port,
        context_tokens=demand.context * demand.parallel,
        parallel=demand.parallel,
        kv=demand.kv,
        split_mode="layer" if several else "none",
        tensor_split=assignment.shares if several else (),
        gpu_layers=_all_layers(entry) if assignment.cards else 0,
        ubatch=demand.ubatch,
        threads=threads,
        cards=assignment.budgets,
        host_mib=vram.host_mib(demand, on_cards=bool(assignment.cards)),
        decode_bound_tok_s=(
            vram.bound_decoding(demand, assignment.cards, assignment.shares) if assignment.cards else None
        ),
    )


def _all_layers(entry: ModelEntry) -> int:
    """llama.cpp counts the output layer as one more."""
    return entry.layers + 1

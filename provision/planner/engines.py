"""Which model goes on which cards, and the server flags that realise exactly that."""

from __future__ import annotations

from collections.abc import Sequence

from provision.models.base import Frozen
from provision.models.catalog import Catalog, squeeze
from provision.models.lab import LabModel
from provision.models.plan import Card, EngineInstance
from provision.models.profile import Machine, Profile, WorkloadModel
from provision.planner.demand import Demand, Placed, demand_of, place, room_of
from provision.planner.misfit import explain_misfit
from provision.planner.problems import Problems, list_choices
from provision.planner.simulation import simulate_engine
from provision.planner.throughput import bound_decoding

BATCH = 2048
"""llama.cpp's own default of --batch-size, passed explicitly."""
WRITERS_NEEDED = frozenset({"open_webui", "n8n"})
OS_RESERVE_MIB = 1024
"""Host memory left to the machine itself beside its models: an assumption."""


class Assignment(Frozen):
    """A model with the cards it gets, in the order of the split; no card: the CPU."""

    model: WorkloadModel
    demand: Demand
    cards: tuple[Card, ...]
    placed: Placed


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
    _check_writers(homes, demands, problems)
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


def _read_workload(profile: Profile, catalog: Catalog, cards: Sequence[Card], problems: Problems) -> dict[int, Demand]:
    demands: dict[int, Demand] = {}
    names: set[str] = set()
    for index, model in enumerate(profile.workload.models):
        at = f"workload.models.{index}"
        if model.name in names:
            problems.add(f"two models are called '{model.name}'", at=f"{at}.name", hint="rename one of them")
        names.add(model.name)
        _check_cards(model, len(cards), at, problems)
        entry = catalog.models.get(model.model)
        if entry is None:
            hint = _suggest_model(model.model, catalog)
            problems.add(f"model '{model.model}' is not in the catalogue", at=f"{at}.model", hint=hint)
            continue
        known = [quant.name for quant in entry.quants]
        if model.quant not in known:
            problems.add(
                f"'{entry.id}' has no quantisation '{model.quant}' in the catalogue",
                at=f"{at}.quant",
                hint=list_choices(model.quant, known) if known else "it has no GGUF file there: choose another model",
            )
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


def _assign(
    profile: Profile,
    catalog: Catalog,
    demands: dict[int, Demand],
    cards: Sequence[Card],
    problems: Problems,
) -> dict[int, Assignment]:
    """First the models whose cards are named, then the others, largest first: each on the fullest single card that
    has room, else over all cards."""
    free = {card.index: room_of(card) for card in cards}
    models = profile.workload.models
    assigned: dict[int, Assignment] = {}
    for index in sorted(demands, key=lambda i: (models[i].gpus is None, -demands[i].weights.placed_bytes, i)):
        model, demand = models[index], demands[index]
        if any(wanted not in free for wanted in model.gpus or ()):
            continue
        tried = [
            Assignment(model=model, demand=demand, cards=chosen, placed=place(demand, chosen, catalog.gpus, free))
            for chosen in _candidates(model, cards, free)
        ]
        fitting = next((assignment for assignment in tried if assignment.placed.verdict == "fits"), None)
        if fitting is None:
            explain_misfit(demand, index, model.name, tried[-1].placed, tried[-1].cards, free, catalog, problems)
            continue
        for budget in fitting.placed.budgets:
            free[budget.card] -= budget.total_mib
        assigned[index] = fitting
    return assigned


def _candidates(model: WorkloadModel, cards: Sequence[Card], free: dict[int, int]) -> list[tuple[Card, ...]]:
    if model.gpus is not None:
        return [tuple(cards[index] for index in model.gpus)]
    singles = sorted(cards, key=lambda card: (free[card.index], card.index))
    together = [tuple(cards)] if len(cards) != 1 else []
    return [*((card,) for card in singles), *together]


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
    for engine, machine in homes.items():
        wanted = {a.model.name: a.placed.host_mib for a in assigned.values() if a.model.engine == engine}
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
    model, demand, placed = assignment.model, assignment.demand, assignment.placed
    serving, shape = demand.serving, demand.architecture
    several = len(assignment.cards) > 1
    return EngineInstance(
        name=model.name,
        service=model.engine,
        machine=home.name,
        wanted_model=demand.model,
        model=demand.model,
        quant=model.quant,
        model_file=name_model_file(demand.model, model.quant),
        simulated=False,
        embeddings=shape.encoder,
        port=port,
        context_tokens=serving.context * serving.parallel,
        parallel=serving.parallel,
        kv=model.kv,
        split_mode="layer" if several else "none",
        tensor_split=placed.shares if several else (),
        # llama.cpp counts the output layer as one more.
        gpu_layers=shape.layers + 1 if assignment.cards else 0,
        batch=serving.ubatch if shape.encoder else BATCH,
        ubatch=serving.ubatch,
        threads=threads,
        cards=placed.budgets,
        host_mib=placed.host_mib,
        decode_bound_tok_s=bound_decoding(demand, assignment.cards, placed),
    )

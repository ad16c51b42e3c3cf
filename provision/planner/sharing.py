"""Which model gets which cards, and who may share one.

vLLM takes its share of a card's memory when it starts and refuses to start where that is not free; what it does not
need it fills with KV blocks. So it has its cards alone, unless the profile states its `gpu_share`. llama.cpp and Ollama
take what their model needs, which is planned: they may share a card as long as the budgets add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.errors import PlanError
from provision.models.base import Frozen
from provision.models.catalog import Catalog
from provision.models.plan import Card
from provision.models.profile import Profile, WorkloadModel
from provision.planner.demand import Demand, Placed, fill_cards, place, room_of
from provision.planner.misfit import explain_misfit
from provision.planner.problems import Problems
from provision.planner.replicas import Replica, order_of


class Assignment(Frozen):
    """A model with the cards it gets, in the order of the split; no card: the CPU."""

    model: WorkloadModel
    demand: Demand
    cards: tuple[Card, ...]
    placed: Placed


def assign_cards(
    profile: Profile,
    catalog: Catalog,
    demands: dict[int, Demand],
    cards: Sequence[Card],
    problems: Problems,
) -> dict[int, Assignment]:
    """First the models whose cards are named, then the others, largest first: each on the fullest single card that
    has room, else over all cards. Models that must be alone get empty cards only."""
    free = {card.index: room_of(card) for card in cards}
    owners: dict[int, list[WorkloadModel]] = {card.index: [] for card in cards}
    models = profile.workload.models
    assigned: dict[int, Assignment] = {}
    for index in sorted(demands, key=lambda i: (models[i].gpus is None, -demands[i].weights.placed_bytes, i)):
        model, demand = models[index], demands[index]
        position = order_of(model, index)[0]
        if any(wanted not in free for wanted in model.gpus or ()):
            continue
        candidates = [chosen for chosen in _candidates(model, cards, free) if _admits(model, chosen, owners)]
        if not candidates:
            _explain_taken(model, position, owners, problems)
            continue
        tried = _try(model, demand, candidates, catalog, free, position, problems)
        if not tried:
            continue
        fitting = next((assignment for assignment in tried if assignment.placed.verdict == "fits"), None)
        if fitting is None:
            last = tried[-1]
            explain_misfit(last.demand, position, model.name, last.placed, last.cards, free, catalog, problems)
            continue
        for budget in fitting.placed.budgets:
            free[budget.card] -= budget.total_mib
            owners[budget.card].append(model)
        assigned[index] = fitting
    return assigned


def _candidates(model: WorkloadModel, cards: Sequence[Card], free: Mapping[int, int]) -> list[tuple[Card, ...]]:
    if model.gpus is not None:
        return [tuple(cards[index] for index in model.gpus)]
    singles = sorted(cards, key=lambda card: (free[card.index], card.index))
    together = [tuple(cards)] if len(cards) != 1 else []
    return [*((card,) for card in singles), *together]


def _try(
    model: WorkloadModel,
    demand: Demand,
    candidates: Sequence[tuple[Card, ...]],
    catalog: Catalog,
    free: Mapping[int, int],
    index: int,
    problems: Problems,
) -> list[Assignment]:
    """The model on each of the candidates. Where vLLM can be divided over none of them, that is the problem."""
    tried, refused = [], None
    for chosen in candidates:
        wanted = demand
        if model.engine == "vllm" and chosen:
            share = model.gpu_share or fill_cards(chosen, catalog.gpus, free)
            wanted = demand.served(utilisation=share, tensor_parallel=len(chosen))
        try:
            placed = place(wanted, chosen, catalog.gpus, free)
        except PlanError as error:
            refused = error
            continue
        tried.append(Assignment(model=model, demand=wanted, cards=chosen, placed=placed))
    if not tried and refused is not None:
        problems.add(refused.what, at=f"workload.models.{index}.gpus", hint=refused.hint)
    return tried


def _alone(model: WorkloadModel) -> bool:
    return model.engine == "vllm" and model.gpu_share is None


def _admits(model: WorkloadModel, chosen: Sequence[Card], owners: Mapping[int, Sequence[WorkloadModel]]) -> bool:
    others = [other for card in chosen for other in owners[card.index]]
    if isinstance(model, Replica) and any(_are_siblings(model, other) for other in others):
        return False
    return not others or not (_alone(model) or any(_alone(other) for other in others))


def _are_siblings(model: Replica, other: WorkloadModel) -> bool:
    """Two servers of one model: on one card they would fail together."""
    return isinstance(other, Replica) and other.replica_of == model.replica_of


def _explain_taken(
    model: WorkloadModel, index: int, owners: Mapping[int, Sequence[WorkloadModel]], problems: Problems
) -> None:
    if isinstance(model, Replica):
        problems.add(
            f"no card is left for replica {model.number} of '{model.replica_of}': each needs cards of its own",
            at=f"workload.models.{model.position}.replicas",
            hint="write fewer replicas, or choose a smaller model, quantisation or context, so that one card holds it",
        )
        return
    held = "; ".join(
        f"card {card}: {', '.join(f'{other.name} ({other.engine})' for other in others)}"
        for card, others in owners.items()
        if others and (model.gpus is None or card in model.gpus)
    )
    problems.add(
        f"model '{model.name}' ({model.engine}) has no card: vLLM takes a card whole, and others have them ({held})",
        at=f"workload.models.{index}.gpus",
        hint="give each its own cards by gpus, or state gpu_share for the models on vllm",
    )

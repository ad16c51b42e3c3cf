"""Several servers of one model, each on cards of its own, behind one address.

Every server is planned like a model of its own. Clients know the model's name and one port, that of a balancer on the
engines' machine, which is the port that the model has without replicas too.
"""

from __future__ import annotations

from collections.abc import Sequence

from provision.models.plan import Balancer, EngineInstance
from provision.models.profile import Profile, WorkloadModel
from provision.planner.problems import Problems

PORTS_APART = 16
"""From one replica's port to the next one's: as many models as a workload may have."""
_BALANCED = "llama_cpp"


class Replica(WorkloadModel):
    """One server of a model that has several: the `number`th, from 1, of the workload's model at `position`."""

    replica_of: str
    number: int
    position: int


def spread_replicas(profile: Profile, problems: Problems) -> Profile:
    """The profile with each replica as a model of its own: the first in its model's place, the others at the end."""
    first: list[WorkloadModel] = []
    others: list[WorkloadModel] = []
    for position, model in enumerate(profile.workload.models):
        if model.replicas == 1 or not _check(model, position, problems):
            first.append(model)
            continue
        replicas = [_replicate(model, position, number) for number in range(1, model.replicas + 1)]
        first.append(replicas[0])
        others += replicas[1:]
    workload = profile.workload.model_copy(update={"models": (*first, *others)})
    return profile.model_copy(update={"workload": workload})


def _check(model: WorkloadModel, position: int, problems: Problems) -> bool:
    at = f"workload.models.{position}"
    if model.engine != _BALANCED:
        problems.add(
            f"'{model.name}' is to have {model.replicas} replicas on {model.engine}, and they are balanced for "
            f"{_BALANCED} alone",
            at=f"{at}.replicas",
            hint=f"put the model on {_BALANCED}, or leave replicas out and let parallel serve more users",
        )
        return False
    if model.gpus and len(model.gpus) % model.replicas:
        problems.add(
            f"{len(model.gpus)} cards are named for {model.replicas} replicas of '{model.name}'",
            at=f"{at}.gpus",
            hint="name as many for each of them, or leave gpus out",
        )
        return False
    return True


def _replicate(model: WorkloadModel, position: int, number: int) -> Replica:
    gpus = model.gpus
    if gpus:
        each = len(gpus) // model.replicas
        gpus = gpus[(number - 1) * each : number * each]
    own = {"name": f"{model.name}-{number}", "gpus": gpus, "replicas": 1}
    return Replica.model_construct(**dict(model) | own, replica_of=model.name, number=number, position=position)


def order_of(model: WorkloadModel, index: int) -> tuple[int, int]:
    """Where a model's server stands in the plan: by its place in the profile, then by its number."""
    return (model.position, model.number) if isinstance(model, Replica) else (index, 0)


def port_of(model: WorkloadModel, index: int, first: int) -> int:
    """The server's port, where `first` is that of the workload's first model. A balancer has the model's own."""
    position, number = order_of(model, index)
    return first + position + PORTS_APART * number


def plan_balancers(engines: Sequence[EngineInstance]) -> tuple[Balancer, ...]:
    """One for each model with replicas, in the plan's order."""
    groups: dict[str, list[EngineInstance]] = {}
    for engine in engines:
        if engine.replica_of:
            groups.setdefault(engine.replica_of, []).append(engine)
    return tuple(
        Balancer(
            name=name,
            service=members[0].service,
            machine=members[0].machine,
            port=members[0].port - PORTS_APART,
            members=tuple(member.name for member in members),
        )
        for name, members in groups.items()
    )

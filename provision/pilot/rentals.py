"""The plan of a pilot on a rented GPU host: which host, which commands in which order, what it costs by the hour."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from provision.errors import UsageError
from provision.models.plan import Plan
from provision.models.profile import Profile
from provision.models.rental import Rental, RentalPlan, RentalPrice, Step, ToLookUp

_DATA = Path(__file__).parent / "data" / "rentals.yml"
OLD_DAYS = 90
"""A price that was read longer ago is warned of: providers changed theirs several times in 2026."""


def load_rentals(data: Path = _DATA) -> dict[str, Rental]:
    return TypeAdapter(dict[str, Rental]).validate_python(yaml.safe_load(data.read_text(encoding="utf-8")))


def find_rental(name: str) -> Rental:
    """Raises UsageError for an unknown provider, naming the known ones."""
    rentals = load_rentals()
    if name not in rentals:
        hint = f"one of: {', '.join(rentals)}; `ssh` is any host that lets root in"
        raise UsageError(f"'{name}' is no provider of this plan", where="--provider", hint=hint)
    return rentals[name]


def plan_rental(
    name: str, profile: Profile, plan: Plan, *, hours: float, own_price: RentalPrice | None, today: date
) -> RentalPlan:
    """`plan` is the one of `profile`. `own_price`: what the user was offered; it counts before the recorded one."""
    rental = find_rental(name)
    if rental.kind == "host" and plan.platform != "host":
        hint = "scaleway-h100 or hetzner-rtx6000, or a profile of your own with one machine of kind host"
        raise UsageError(f"'{profile.name}' is for a Proxmox node, not for a rented host", where="--profile", hint=hint)
    price = own_price or _find_price(rental, plan)
    return RentalPlan(
        provider=name,
        title=rental.title,
        kind=rental.kind,
        profile=profile.name,
        needs=list_needs(profile, plan, rental),
        facts=rental.facts,
        steps=list_steps(profile, rental, price),
        hours=hours,
        price=price,
        cost=None if price is None else price.per_hour * hours,
        unresolved=(*rental.look_up, *(() if price else (_no_price(plan),))),
        warnings=_warn(price, today),
    )


def list_needs(profile: Profile, plan: Plan, rental: Rental) -> tuple[str, ...]:
    """What the host must have, from the profile and its plan."""
    cards = Counter(card.model for card in plan.cards)
    hardware = profile.hardware
    needs = [f"{count} x {model} (or a card with as much memory and bandwidth)" for model, count in cards.items()]
    if rental.kind == "container":
        return (*needs, f"room for the models: {', '.join(engine.model_file for engine in plan.engines)}")
    return (
        *needs,
        f"{hardware.cpu.cores} cores, {hardware.memory} MiB of memory, {hardware.storage} MiB of disk",
        f"{plan.system}, root by ssh key on port {profile.platform.port}",
        *(f"{finding.what}: {finding.hint}" for finding in plan.findings if finding.severity == "warning"),
    )


def list_steps(profile: Profile, rental: Rental, price: RentalPrice | None) -> tuple[Step, ...]:
    product = price.product if price else "a machine that has what is needed"
    run = "provision pilot run --tests tests.yml --targets targets.yml"
    after = (
        Step(what="write the test set and the targets (docs/pilot.md); the firm's own 3 to 5 use cases"),
        Step(what="run the use cases at home and in the cloud, side by side", command=run),
        Step(what="let people score what only they can", command="provision pilot score RESULT --sheet SHEET"),
        Step(what=f"terminate it at the provider's: {rental.title} is paid until then; results lie on this machine"),
    )
    rent = Step(what=f"rent {product} at {rental.title}, with your ssh key")
    if rental.kind == "container":
        start = Step(what="start an OpenAI-compatible server in it, with an API key, and name its address as a target")
        return (rent, start, *after)
    return (
        rent,
        Step(what="see what was delivered", command="ssh root@HOST 'cat /etc/os-release; nvidia-smi; lsblk; free -m'"),
        Step(what="a client of its own", command=f"provision init pilot --profile {profile.name}"),
        Step(what="write HOST under platform.host in the client's file, and what differs from the profile"),
        Step(what="see every decision", command="provision plan --client pilot"),
        Step(what="see what the host lacks (reads only)", command="provision doctor --client pilot"),
        Step(what="bring it up and prove it", command="provision up --client pilot"),
        *after,
    )


def _find_price(rental: Rental, plan: Plan) -> RentalPrice | None:
    cards = Counter(card.model for card in plan.cards)
    return next((price for price in rental.prices if cards == Counter({price.gpu: price.count})), None)


def _no_price(plan: Plan) -> ToLookUp:
    cards = ", ".join(f"{count} x {model}" for model, count in Counter(card.model for card in plan.cards).items())
    how = "read the provider's price page and give it: --per-hour PRICE --currency EUR"
    return ToLookUp(what=f"no sourced price per hour for {cards or 'a host without cards'}", how=how)


def _warn(price: RentalPrice | None, today: date) -> tuple[str, ...]:
    if price is None or (today - price.date).days <= OLD_DAYS:
        return ()
    return (f"the price was read on {price.date}, {(today - price.date).days} days ago: look it up again",)

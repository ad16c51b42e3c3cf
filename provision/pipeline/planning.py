"""Make the plan of a profile, compare it with the last one, keep it."""

from __future__ import annotations

import json

from provision.errors import SetupError
from provision.models.base import Frozen
from provision.models.plan import Plan, PlanChange
from provision.models.profile import LoadedProfile
from provision.pipeline.held import hold_releases
from provision.pipeline.lab_model import describe_lab_model
from provision.pipeline.options import Chosen, Options, choose_profile, locate_workspace
from provision.pipeline.service_files import target_catalog
from provision.planner import build_plan, diff_plans
from provision.runner.workspace import Workspace, write_private


class Planned(Frozen):
    """A plan, what it was made from, and how it differs from the one that stands (None: there is none)."""

    loaded: LoadedProfile
    plan: Plan
    changes: tuple[PlanChange, ...] | None


def make_plan(options: Options) -> Planned:
    """Plan, and compare with what stands; nothing is written. Raises ErrorGroup of ProfileError or PlanError."""
    chosen = choose_profile(options)
    standing = read_plan(locate_workspace(options, chosen.client))
    plan = keep_identities(plan_chosen(chosen, options), standing)
    return Planned(loaded=chosen.loaded, plan=plan, changes=None if standing is None else diff_plans(standing, plan))


def keep_identities(plan: Plan, standing: Plan | None) -> Plan:
    """What the node told of the cards stays known, as long as the same models are planned."""
    if standing is None or [card.model for card in plan.cards] != [card.model for card in standing.cards]:
        return plan
    cards = tuple(
        card.model_copy(update={"uuid": known.uuid, "pci_address": known.pci_address, "minor": known.minor})
        if card.uuid is None
        else card
        for card, known in zip(plan.cards, standing.cards, strict=True)
    )
    return plan.model_copy(update={"cards": cards})


def plan_chosen(chosen: Chosen, options: Options) -> Plan:
    catalog = hold_releases(target_catalog(lab=options.lab), locate_workspace(options, chosen.client))
    lab = describe_lab_model(catalog) if options.lab else None
    return build_plan(
        chosen.loaded.profile, catalog, client=chosen.client, target="lab" if options.lab else "live", lab=lab
    )


def read_plan(workspace: Workspace) -> Plan | None:
    """The plan that stands, or None. Raises SetupError if the file is not a plan."""
    if not workspace.plan_file.exists():
        return None
    try:
        return Plan.model_validate(json.loads(workspace.plan_file.read_text()))
    except ValueError as error:
        raise SetupError(
            "the saved plan cannot be read",
            where=str(workspace.plan_file),
            hint="move the file away and run provision up again; it is made anew from the profile",
        ) from error


def require_plan(workspace: Workspace) -> Plan:
    """The plan that stands. Raises SetupError if nothing has been brought up."""
    plan = read_plan(workspace)
    if plan is None:
        raise SetupError(
            "nothing has been brought up yet",
            where=str(workspace.plan_file),
            hint="provision up does it (add --lab for the lab)",
        )
    return plan


def save_plan(workspace: Workspace, plan: Plan) -> None:
    write_private(workspace.plan_file, plan.model_dump_json(indent=2) + "\n")

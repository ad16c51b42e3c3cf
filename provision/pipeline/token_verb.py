"""`provision token`: the commands that make a client's API token, shown or run."""

from __future__ import annotations

import shlex

from provision.models.events import Event
from provision.models.plan import Plan
from provision.models.profile import Profile
from provision.pipeline.node_access import open_node
from provision.pipeline.options import Options, choose_profile, open_chosen_workspace
from provision.pipeline.planning import plan_chosen
from provision.pipeline.stages import StageClock
from provision.pipeline.token import commands_of, create_token
from provision.platforms.privileges import token_id
from provision.runner.lock import hold_lock


def show_commands(options: Options) -> tuple[str, ...]:
    """One shell command per line, for root on the node. Raises SetupError for a profile of another platform."""
    plan, _ = _plan(options)
    return tuple(shlex.join(command) for command in commands_of(plan))


def make_token(options: Options) -> str:
    """Run them by ssh and keep the token's secret in the client's vault; the token's id."""
    plan, profile = _plan(options)
    workspace = open_chosen_workspace(options, plan.client)
    with hold_lock(workspace.lock_file):
        create_token(workspace, plan, open_node(workspace, plan, profile, StageClock(_quiet)))
    return token_id(plan.client)


def _plan(options: Options) -> tuple[Plan, Profile]:
    chosen = choose_profile(options)
    return plan_chosen(chosen, options), chosen.loaded.profile


def _quiet(_: Event) -> None:
    """Ten short commands need no progress."""

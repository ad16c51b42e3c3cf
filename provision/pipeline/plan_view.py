"""`provision plan`: the plan and its difference from what stands; nothing is written."""

from __future__ import annotations

from provision.pipeline.options import Options, choose_profile
from provision.pipeline.planning import Planned, make_plan
from provision.places import find_home
from provision.runner.workspace import Workspace


def view_plan(options: Options) -> Planned:
    """Raises ErrorGroup of ProfileError or PlanError with every problem at once."""
    client = choose_profile(options).client
    return make_plan(options, Workspace(client_folder=find_home() / "clients" / client, target=options.target))

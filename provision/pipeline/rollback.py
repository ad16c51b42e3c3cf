"""`provision rollback`: one service back on the release it had before, and held there until it is let go."""

from __future__ import annotations

from provision.errors import ErrorGroup, ProvisionError
from provision.pipeline.held import hold_previous, let_go, put_back_held, read_held
from provision.pipeline.options import Options, Report, open_chosen_workspace
from provision.pipeline.planning import make_plan, require_plan
from provision.pipeline.up import Confirm, UpResult, bring_up


def roll_back(options: Options, service: str, report: Report, confirm: Confirm, *, undo: bool) -> UpResult:
    """Hold `service` on its previous release, or with `undo` let it go on with the planned one, and bring that up.

    What is held is put back as it was where that fails. Raises UsageError and what `bring_up` raises.
    """
    workspace = open_chosen_workspace(options, make_plan(options).plan.client)
    before = read_held(workspace)
    if undo:
        let_go(workspace, service)
    else:
        hold_previous(workspace, require_plan(workspace), service)
    try:
        return bring_up(options, report, confirm)
    except (ProvisionError, ErrorGroup, KeyboardInterrupt):
        put_back_held(workspace, before)
        raise

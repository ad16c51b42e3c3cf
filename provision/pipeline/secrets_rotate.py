"""`provision secrets rotate`: new values, applied and verified; where that fails, the old ones again.

The roles are idempotent, so a rotation is a changed vault and a run of `up`: that sets a database's password on both
sides, a model's key on the server and on every client. The one exception is the administrator of Open WebUI, whose
password lies in its database after the first start. Both sides are kept sealed (`runner/rotation.py`) until one of them
is proven.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from provision.errors import ErrorGroup, ProvisionError, RunError, RunInterruptedError, SetupError, UsageError
from provision.inventory.secret_rotation import LOST_WITH
from provision.models.plan import Plan
from provision.pipeline.open_webui_admin import set_admin_password
from provision.pipeline.options import Options, Report, refuse_busy
from provision.pipeline.planning import make_plan, require_plan
from provision.pipeline.secrets import known_kinds, open_vault, refusal
from provision.pipeline.secrets_signing import NAME as SIGNING_KEY
from provision.pipeline.up import UpResult, bring_up
from provision.runner.lock import hold_lock
from provision.runner.rotation import Rotation, begin_rotation, choose_side, end_rotation, read_rotation
from provision.runner.secrets import read_secrets
from provision.runner.workspace import Workspace

Agree = Callable[[tuple[str, ...]], bool]
_ADMIN = "open_webui_admin_password"
_WHERE = "secrets rotate"
_LIST = "provision secrets show lists them"


def rotate_secrets(
    options: Options,
    names: tuple[str, ...],
    report: Report,
    agree: Agree,
    *,
    every: bool = False,
    accept_loss: bool = False,
) -> tuple[tuple[str, ...], UpResult]:
    """The names that changed, and what `up` left. Goes on with a rotation of the same names that was interrupted.

    Raises UsageError for what may not be rotated; RunError (exit 6) where the new values did not come to work and the
    old ones are in force again; RunInterruptedError, after which the same command goes on.
    """
    refuse_busy(options)
    workspace = open_vault(options)
    plan = _require_same_plan(options, workspace)
    _settle_restored(options, workspace, plan, report)
    with hold_lock(workspace.lock_file):
        rotation = _go_on(workspace, names, every=every)
        if rotation is None:
            chosen = choose_names(known_kinds(plan), names, every=every, accept_loss=accept_loss)
            if not agree(chosen):
                raise UsageError("not confirmed, nothing was changed", where=_WHERE, hint="add --yes to go on")
            rotation = begin_rotation(workspace, known_kinds(plan), chosen)
    return rotation.names, _apply_or_restore(options, workspace, plan, rotation, report)


def choose_names(
    kinds: Mapping[str, str], names: tuple[str, ...], *, every: bool, accept_loss: bool
) -> tuple[str, ...]:
    """What is to be rotated. `every` leaves out what is refused. Raises ErrorGroup with every name that is refused."""
    if every == bool(names):
        raise UsageError("name secrets, or give --all", where=_WHERE, hint=_LIST)
    if every:
        return tuple(sorted(name for name, kind in kinds.items() if not refusal(name, kind) and name not in LOST_WITH))
    problems = [error for name in names if (error := _refuse(name, kinds, accept_loss=accept_loss))]
    if problems:
        raise ErrorGroup(problems)
    return tuple(sorted(set(names)))


def _refuse(name: str, kinds: Mapping[str, str], *, accept_loss: bool) -> UsageError | None:
    if name == SIGNING_KEY:
        return UsageError(f"'{name}' is rotated by itself", where=_WHERE, hint=f"provision secrets rotate {name}")
    if name not in kinds:
        return UsageError(f"there is no secret '{name}'", where=_WHERE, hint=_LIST)
    why = refusal(name, kinds[name])
    if why:
        return UsageError(f"'{name}' is not rotated: {why}", where=_WHERE, hint="nothing was changed")
    if name in LOST_WITH and not accept_loss:
        return UsageError(
            f"with a new '{name}', {LOST_WITH[name]}", where=_WHERE, hint="add --accept-loss if you want that"
        )
    return None


def _require_same_plan(options: Options, workspace: Workspace) -> Plan:
    """Raises UsageError where `up` would change more than secrets."""
    plan = require_plan(workspace)
    if make_plan(options).changes:
        raise UsageError("the profile has changed since the last run", where=_WHERE, hint="run provision up first")
    return plan


def _settle_restored(options: Options, workspace: Workspace, plan: Plan, report: Report) -> None:
    """Where the vault has the old values, no new one may be in force on a machine: apply the old ones, then forget."""
    rotation = read_rotation(workspace)
    if rotation and _in_force(workspace, rotation.before, rotation.names):
        _apply(options, workspace, plan, rotation.before, rotation.after, report)
        end_rotation(workspace)


def _go_on(workspace: Workspace, names: tuple[str, ...], *, every: bool) -> Rotation | None:
    """A rotation that was interrupted, if it is the one that is asked for. Raises UsageError where it is another."""
    rotation = read_rotation(workspace)
    if rotation is None or every or set(names) <= set(rotation.names):
        return rotation
    raise UsageError(
        f"a rotation is not finished: {', '.join(rotation.names)}",
        where=str(workspace.rotation_file),
        hint="finish it first: provision secrets rotate " + " ".join(rotation.names),
    )


def _in_force(workspace: Workspace, values: Mapping[str, str], names: tuple[str, ...]) -> bool:
    known = read_secrets(workspace)
    return all(known.get(name) == values.get(name) for name in names)


def _apply_or_restore(
    options: Options, workspace: Workspace, plan: Plan, rotation: Rotation, report: Report
) -> UpResult:
    try:
        result = _apply(options, workspace, plan, rotation.after, rotation.before, report)
    except RunInterruptedError:
        raise
    except (ProvisionError, ErrorGroup) as error:
        raise _restore(options, workspace, plan, rotation, report, error) from error
    end_rotation(workspace)
    return result


def _apply(
    options: Options,
    workspace: Workspace,
    plan: Plan,
    wanted: Mapping[str, str],
    other: Mapping[str, str],
    report: Report,
) -> UpResult:
    """Raises RunError where a check fails, and what `bring_up` raises."""
    if wanted.get(_ADMIN) != other.get(_ADMIN):
        set_admin_password(workspace, plan, wanted[_ADMIN], other[_ADMIN])
    result = bring_up(options, report, lambda _plan, _changes: True)
    if not result.verified.passed:
        raise RunError("a check failed", where=result.verified.receipt_file, hint="read that receipt")
    return result


def _restore(
    options: Options,
    workspace: Workspace,
    plan: Plan,
    rotation: Rotation,
    report: Report,
    cause: ProvisionError | ErrorGroup,
) -> ErrorGroup:
    """Put the old values back and apply them; what to tell of both."""
    choose_side(workspace, rotation.before, rotation.names)
    told: list[ProvisionError] = [
        RunError(
            f"the new values did not come to work: {', '.join(rotation.names)}",
            where=_WHERE,
            hint="the old ones are in the vault again",
        )
    ]
    told += cause.errors if isinstance(cause, ErrorGroup) else [cause]
    try:
        _apply(options, workspace, plan, rotation.before, rotation.after, report)
    except (ProvisionError, ErrorGroup) as error:
        told += error.errors if isinstance(error, ErrorGroup) else [error]
        told.append(
            SetupError(
                "the old values could not be applied to every machine either",
                where=str(workspace.rotation_file),
                hint="put right what is named above and give the command again; that file keeps both sides, sealed",
            )
        )
    else:
        end_rotation(workspace)
    return ErrorGroup(told)

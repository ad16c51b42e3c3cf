"""Both sides of a rotation, kept sealed until one of them is proven; whatever is killed, no value is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provision.models.base import Frozen
from provision.runner.secrets import make_secret, read_secrets, save_secrets, seal, unseal
from provision.runner.workspace import Workspace

_DERIVED = "bcrypt-of:"


class Rotation(Frozen):
    """The whole vault before and after. Its repr is not for logs."""

    before: dict[str, str]
    after: dict[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """What differs: what was asked for, and what is derived from it."""
        return tuple(sorted(name for name in self.after if self.after[name] != self.before.get(name)))

    def __repr__(self) -> str:
        return f"Rotation({', '.join(self.names)})"


def begin_rotation(workspace: Workspace, kinds: Mapping[str, str], names: Iterable[str]) -> Rotation:
    """Make new values for `names` and for what is derived from them. Both sides are sealed before the vault changes.

    `kinds` maps every secret of the plan to its kind, as `ensure_secrets` takes them.
    """
    before = read_secrets(workspace)
    chosen, after = set(names), dict(before)
    for name in chosen:
        after[name] = make_secret(kinds[name], after)
    for name, kind in kinds.items():
        if kind.startswith(_DERIVED) and kind.removeprefix(_DERIVED) in chosen:
            after[name] = make_secret(kind, after)
    rotation = Rotation(before=before, after=after)
    seal(workspace, workspace.rotation_file, {"before": before, "after": after})
    save_secrets(workspace, after)
    return rotation


def read_rotation(workspace: Workspace) -> Rotation | None:
    """The one that is not finished, or None. Raises SetupError for a locked vault."""
    if not workspace.rotation_file.exists():
        return None
    return Rotation.model_validate(unseal(workspace, workspace.rotation_file))


def choose_side(workspace: Workspace, values: Mapping[str, str], names: Iterable[str]) -> None:
    """Let the vault hold one side's values of `names`; secrets that were added meanwhile stay."""
    save_secrets(workspace, {**read_secrets(workspace), **{name: values[name] for name in names if name in values}})


def end_rotation(workspace: Workspace) -> None:
    """Forget both sides: the vault's values are proven."""
    workspace.rotation_file.unlink(missing_ok=True)

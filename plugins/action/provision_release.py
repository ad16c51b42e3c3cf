"""Controller's half of provision_release: sends the recipe only to a machine that must build it itself."""

from __future__ import annotations

import base64
import io
import tarfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase


def pack_recipe(folder: Path) -> str:
    """The recipe's files as base64 of a tar.gz, links followed. Raises AnsibleActionFail where there is no build.sh."""
    if not (folder / "build.sh").is_file():
        raise AnsibleActionFail(f"{folder} is no recipe: it has no build.sh")
    buffer = io.BytesIO()
    paths = sorted(place / name for place, _, names in folder.walk(follow_symlinks=True) for name in names)
    with tarfile.open(fileobj=buffer, mode="w:gz", dereference=True) as archive:
        for path in paths:
            if path.is_file() and "__pycache__" not in path.parts:
                archive.add(path, path.relative_to(folder).as_posix(), filter=strip_owner)
    return base64.b64encode(buffer.getvalue()).decode()


def strip_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """The checkout's owner means nothing on the target."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


class ActionModule(ActionBase):  # type: ignore[misc]
    """One round trip where the release or a bundle is there, a second one where the recipe must run."""

    TRANSFERS_FILES = False
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        answer: dict[str, Any] = self._execute_module(module_args=args, task_vars=task_vars)
        if answer.get("recipe_needed"):
            args["recipe_archive"] = pack_recipe(Path(args["recipe"]))
            answer = self._execute_module(module_args=args, task_vars=task_vars)
        return result | answer

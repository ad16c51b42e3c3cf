"""The built-in profiles, shipped as package data."""

from __future__ import annotations

import difflib
from pathlib import Path

from provision.errors import ProfileError
from provision.models.base import Frozen
from provision.profile.document import Reader
from provision.profile.text import read_text, show
from provision.profile.tree import get_child

_FOLDER = Path(__file__).parent / "builtin"


class ProfileSummary(Frozen):
    name: str
    description: str


def list_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yml")))


def list_profiles() -> tuple[ProfileSummary, ...]:
    """Name and description of every built-in profile."""
    summaries = []
    for name in list_names():
        root = Reader("built-in", lambda line: str(line)).read(read_text(find_builtin(name), name))
        description = get_child(root, "description")
        summaries.append(ProfileSummary(name=name, description=str(description.value) if description else ""))
    return tuple(summaries)


def find_builtin(name: str) -> Path:
    return _FOLDER / f"{name}.yml"


def complain_unknown(name: str, where: str) -> ProfileError:
    """The error for a name that is neither a built-in profile nor a file."""
    known = list_names()
    close = difflib.get_close_matches(name, known, 1)
    meant = f"did you mean '{close[0]}'? " if close else ""
    return ProfileError(
        f"there is no profile '{show(name)}'",
        where=where,
        hint=f"{meant}known profiles: {', '.join(known)}; or give the path of a .yml file",
    )

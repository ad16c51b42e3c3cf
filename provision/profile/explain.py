"""Where a value of a loaded profile came from."""

from __future__ import annotations

import difflib
import re

from provision.errors import ProfileError
from provision.models.profile import LoadedProfile, Source
from provision.profile.text import show

_INDEX = re.compile(r"\[(\d+)\]")
_ORDER = ("default", "built-in", "file", "client", "--set")


def source_of(loaded: LoadedProfile, path: str) -> Source:
    """The source of the leaf at 'hardware.gpus.0.model' or 'hardware.gpus[0].model'.

    Raises ProfileError where the profile has no such value.
    """
    wanted = _INDEX.sub(r".\1", path)
    found = loaded.sources.get(wanted)
    if found is not None:
        return found
    below = [key for key in loaded.sources if key.startswith(f"{wanted}.")]
    close = below[:3] or difflib.get_close_matches(wanted, loaded.sources, 3)
    raise ProfileError(
        f"'{show(path)}' is not one value of the profile",
        where=f"profile {loaded.profile.name}",
        hint=f"ask for example for {', '.join(close)}" if close else "write a path such as hardware.gpus.0.model",
    )


def locate(loaded: LoadedProfile, path: str) -> str:
    """Where to look for what is wrong at `path`: 'profiles/rig.yml, line 14'.

    A group is where its value of the highest layer is; what no layer says is where the nearest group above it is.
    For the errors of later stages, which know a path only.
    """
    steps = _INDEX.sub(r".\1", path).split(".")
    for length in range(len(steps), 0, -1):
        group = ".".join(steps[:length])
        said = [
            source
            for key, source in loaded.sources.items()
            if (key == group or key.startswith(f"{group}.")) and source.layer != "default"
        ]
        if said:
            return max(said, key=lambda source: _ORDER.index(source.layer)).place
    return f"profile {loaded.profile.name}"

"""Where a value of a loaded profile came from."""

from __future__ import annotations

import difflib
import re

from provision.errors import ProfileError
from provision.models.profile import LoadedProfile, Source
from provision.profile.text import show

_INDEX = re.compile(r"\[(\d+)\]")


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

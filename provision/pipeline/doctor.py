"""`provision doctor`: what this machine lacks for the lab."""

from __future__ import annotations

from provision.errors import ProvisionError
from provision.lab.requirements import missing_requirements
from provision.places import find_content


def examine() -> tuple[ProvisionError, ...]:
    """Every problem found; empty where the lab can be brought up here."""
    found: list[ProvisionError] = list(missing_requirements())
    for folder in ("playbooks", "roles", "plugins", "templates"):
        try:
            find_content(folder)
        except ProvisionError as error:
            found.append(error)
    return tuple(found)

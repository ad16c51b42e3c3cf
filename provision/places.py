"""Where things lie on the controller: one place that reads the environment.

`PROVISION_HOME` holds what belongs to clients and labs, `PROVISION_CACHE` what can be built again.
"""

from __future__ import annotations

import os
from pathlib import Path

from provision.errors import SetupError

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = "SOURCES"
"""File of a recipe that builds something of this checkout: a path a line, from the recipe's folder. Links would do, and
some ways of copying a checkout lose them. What it names lies in the recipe's folder `sources` where it is built."""


def find_home() -> Path:
    """The state folder: PROVISION_HOME, else /var/lib/provision for root, else the user's own."""
    return _place("PROVISION_HOME", Path("/var/lib/provision"), Path.home() / ".local/state/provision")


def find_cache() -> Path:
    """The content-addressed cache: PROVISION_CACHE, else /var/cache/provision for root, else the user's own."""
    return _place("PROVISION_CACHE", Path("/var/cache/provision"), Path.home() / ".cache/provision")


def overlay_file() -> Path:
    """Where the user's own pins lie, over those that are shipped."""
    return find_home() / "lock.json"


def find_content(name: str) -> Path:
    """A folder or file of the checkout that the product works with: playbooks, roles, plugins, templates, ansible.cfg.

    Raises SetupError where provision was installed without them.
    """
    folder = REPOSITORY / name
    if not folder.exists():
        raise SetupError(
            f"'{name}' is not beside the program",
            where=str(folder),
            hint="run provision from a checkout (make demo does), not from a bare wheel",
        )
    return folder


def _place(variable: str, for_root: Path, for_user: Path) -> Path:
    value = os.environ.get(variable)
    if value:
        return Path(value).expanduser().resolve()
    return for_root if os.geteuid() == 0 else for_user


def recipe_sources(recipe_dir: Path) -> tuple[Path, ...]:
    """Files and folders of this checkout that the recipe builds. Raises SetupError where one is missing."""
    listed = recipe_dir / SOURCES
    if not listed.is_file():
        return ()
    sources = tuple((recipe_dir / line).resolve() for line in listed.read_text(encoding="utf-8").split())
    if missing := [str(source) for source in sources if not source.exists()]:
        raise SetupError(
            f"sources of the recipe are missing: {', '.join(missing)}",
            where=str(listed),
            hint="the checkout is incomplete: fetch it again",
        )
    return sources

"""Where this machine's pip looks for packages, so that a builder guest can look in the same places."""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from provision.lab.commands import run

# Options that say where packages come from; those in LISTS hold several values.
LISTS = ("extra-index-url", "find-links", "trusted-host")
SINGLE = ("index-url", "no-index", "proxy", "retries", "timeout")
ALIASES = {"default-timeout": "timeout"}

Settings = Mapping[str, tuple[str, ...]]


def host_pip_settings() -> Settings:
    """The settings of `pip config list`; where this machine has no pip, those of the PIP_* variables."""
    pip = shutil.which("pip3") or shutil.which("pip")
    if pip:
        listed = run([pip, "config", "list"], hint="check pip's configuration files")
    else:
        listed = "\n".join(
            f":env:.{name[4:].lower().replace('_', '-')}={value!r}"
            for name, value in os.environ.items()
            if name.startswith("PIP_")
        )
    return parse_settings(listed)


def parse_settings(listed: str) -> Settings:
    """Lines such as `global.find-links='/a /b'`, the value as Python's repr() gives it.

    Lists are joined; of single values the environment's wins.
    """
    found: dict[str, tuple[str, ...]] = {}
    from_environment: set[str] = set()
    for line in listed.splitlines():
        place, _, value = line.partition("=")
        section, _, option = place.rpartition(".")
        option = ALIASES.get(option, option)
        values = tuple(str(ast.literal_eval(value)).split()) if value else ()
        if section not in {":env:", "global", "install", "download"} or not values:
            continue
        if option in LISTS:
            found[option] = tuple(dict.fromkeys((*found.get(option, ()), *values)))
        elif option in SINGLE and option not in from_environment:
            found[option] = values[:1]
            if section == ":env:":
                from_environment.add(option)
    return found


def guest_pip_conf(settings: Settings, bundle: str) -> str:
    """/etc/pip.conf for a guest that trusts `bundle`."""
    lines = ["[global]", f"cert = {bundle}"]
    lines += [f"{option} = {' '.join(values)}" for option, values in sorted(settings.items())]
    return "\n".join(lines) + "\n"


def local_folders(settings: Settings) -> tuple[Path, ...]:
    """Existing folders of this machine that the settings name, for the builder to see at the same path.

    A file index's pages link to files beside the index, so its parent folder is what counts; a folder that lies in
    another of the result is left out.
    """
    wanted = [path for value in settings.get("find-links", ()) if (path := _local_path(value))]
    for option in ("extra-index-url", "index-url"):
        for value in settings.get(option, ()):
            path = _local_path(value)
            if path:
                wanted.append(path.parent if len(path.parts) > 3 else path)
    kept = dict.fromkeys(path for path in wanted if path.is_dir())
    return tuple(path for path in kept if not any(path != other and path.is_relative_to(other) for other in kept))


def _local_path(value: str) -> Path | None:
    parts = urlsplit(value)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(value) if value.startswith("/") else None

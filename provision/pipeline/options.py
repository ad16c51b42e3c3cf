"""What a user chose on the command line, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from provision.errors import UsageError
from provision.models.base import Frozen
from provision.models.events import Event
from provision.models.profile import LoadedProfile
from provision.places import find_home
from provision.profile import load_profile, read_client
from provision.runner.lock import refuse_held
from provision.runner.workspace import Workspace, open_workspace

Report = Callable[[Event], None]
_CLIENT_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Options(Frozen):
    """The options that most verbs share."""

    profile: str | None = None
    client: str | None = None
    settings: tuple[str, ...] = ()
    lab: bool = False

    @property
    def target(self) -> str:
        return "lab" if self.lab else "live"


class Chosen(Frozen):
    """A loaded profile and the name under which its client's files are kept."""

    loaded: LoadedProfile
    client: str


def choose_profile(options: Options) -> Chosen:
    """Load the layers that the options name. Raises UsageError, ErrorGroup of ProfileError."""
    client_file = _client_file(options.client) if options.client else None
    name = options.profile
    if client_file is not None:
        name = name or read_client(client_file).profile
    if name is None:
        raise UsageError(
            "no profile is named",
            where="the command line",
            hint="add --profile NAME (provision profiles lists them) or --client NAME",
        )
    loaded = load_profile(name, client_file=client_file, overrides=options.settings)
    return Chosen(loaded=loaded, client=options.client or loaded.profile.name)


def locate_workspace(options: Options, client: str) -> Workspace:
    """Where the client's files lie; nothing is made."""
    return locate_target(client, options.target)


def locate_target(client: str, target: str) -> Workspace:
    """The same by the name of the target."""
    return Workspace(client_folder=find_home() / "clients" / client, target=target)


def refuse_busy(options: Options) -> None:
    """Raise LockedError if a run is at work on the client; cheap, so that the second of two runs is told at once."""
    client = find_client(options)
    refuse_held(locate_workspace(options, client).lock_file)


def open_chosen_workspace(options: Options, client: str) -> Workspace:
    return open_workspace(find_home(), client, options.target)


def find_client(options: Options) -> str:
    """The client's name without loading more than needed, for verbs that work on what already stands."""
    if options.client:
        require_client_name(options.client)
        return options.client
    return choose_profile(options).client


def require_client_name(client: str) -> None:
    """Raises UsageError for what cannot be a client's name; it becomes a folder's name."""
    if not _CLIENT_NAME.fullmatch(client):
        raise UsageError(
            f"'{client}' cannot be a client's name",
            where="the command line",
            hint="lower-case letters, digits and '-', beginning with a letter, at most 40",
        )


def _client_file(client: str) -> Path:
    require_client_name(client)
    path = find_home() / "clients" / client / "client.yml"
    if not path.is_file():
        raise UsageError(
            f"there is no client '{client}'",
            where=str(path),
            hint=f"provision init {client} --profile sme-2x4090 makes it",
        )
    return path

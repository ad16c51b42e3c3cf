"""The policy in use, and every one that ever was: a decision can be replayed by the policy that made it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from decision_layer.gateway.settings import Settings
from decision_layer.policy.load import LoadedPolicy, PolicyError, read_policy
from decision_layer.policy.signing import read_signed

_LINE = re.compile(r"(\d+) ([0-9a-f]{64})\n")


def load_current(settings: Settings) -> LoadedPolicy:
    """Read, checked, kept under its hash. Raises PolicyError, and then the one in use stays.

    Another policy than the newest that was in use must have a higher version, so that an old signed one cannot be put
    back: not by a reload, and not by a restart.
    """
    path = settings.policy
    loaded = read_signed(path, settings.signer) if settings.signer else read_policy(path)
    newest = _read_newest(settings)
    if newest is not None and loaded.sha256 != newest.sha256 and loaded.policy.version <= newest.version:
        raise PolicyError(
            str(path),
            (f"version {loaded.policy.version} is not newer than version {newest.version}, which was in use",),
            "raise its version",
        )
    keep(settings, loaded)
    return loaded


def remember(settings: Settings, loaded: LoadedPolicy) -> None:
    """That it is the newest, once nothing stands in the way of its use. Raises PolicyError where it cannot be kept."""
    line = f"{loaded.policy.version} {loaded.sha256}\n"
    _write(_newest(settings), line.encode())


def keep(settings: Settings, loaded: LoadedPolicy) -> None:
    """Raises PolicyError where it cannot be kept."""
    place = _place(settings, loaded.sha256)
    if not place.exists():
        _write(place, settings.policy.read_bytes())


def _write(place: Path, content: bytes) -> None:
    fresh = place.with_suffix(f".{os.getpid()}")
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(place)
    except OSError as error:
        raise PolicyError(str(place), (f"it cannot be kept: {error.strerror}",), "free space, check owner") from None


def load_former(settings: Settings, sha256: str) -> LoadedPolicy:
    """The policy of an old decision. Raises PolicyError where it is not there or is not what its name says."""
    place = _place(settings, sha256)
    loaded = read_policy(place, former=True)
    if loaded.sha256 != sha256:
        raise PolicyError(str(place), ("it is not the policy of this hash",), "restore it from the backup")
    return loaded


def _place(settings: Settings, sha256: str) -> Path:
    return settings.state / "policies" / f"{sha256}.yml"


class _Newest(NamedTuple):
    version: int
    sha256: str


def _newest(settings: Settings) -> Path:
    return settings.state / "policies" / "newest"


def _read_newest(settings: Settings) -> _Newest | None:
    """None before the first policy. Raises PolicyError where it is there and cannot be read."""
    place = _newest(settings)
    try:
        found = _LINE.fullmatch(place.read_text())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        found = None
    if found is None:
        raise PolicyError(
            str(place), ("newest: it does not say which policy was in use",), "restore it from the backup"
        )
    return _Newest(int(found.group(1)), found.group(2))

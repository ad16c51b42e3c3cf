"""The policy in use, and every one that ever was: a decision can be replayed by the policy that made it."""

from __future__ import annotations

import os
from pathlib import Path

from decision_layer.gateway.settings import Settings
from decision_layer.policy.load import LoadedPolicy, PolicyError, read_policy
from decision_layer.policy.signing import read_signed


def load_current(settings: Settings, before: LoadedPolicy | None = None) -> LoadedPolicy:
    """Read, checked, kept under its hash. Raises PolicyError, and then `before` stays in use.

    A lower version than the one in use is refused, so that an old signed policy cannot be put back.
    """
    path = settings.policy
    loaded = read_signed(path, settings.signer) if settings.signer else read_policy(path)
    if before is not None and loaded.sha256 != before.sha256 and loaded.policy.version <= before.policy.version:
        raise PolicyError(
            str(path),
            (f"version {loaded.policy.version} is not newer than version {before.policy.version}, which is in use",),
            "raise its version",
        )
    keep(settings, loaded)
    return loaded


def keep(settings: Settings, loaded: LoadedPolicy) -> None:
    """Raises PolicyError where it cannot be kept."""
    place = _place(settings, loaded.sha256)
    if place.exists():
        return
    fresh = place.with_suffix(f".{os.getpid()}")
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(settings.policy.read_bytes())
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

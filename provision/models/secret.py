"""What is told of a client's secrets: never a value."""

from __future__ import annotations

from datetime import datetime

from provision.models.base import Frozen


class SecretFacts(Frozen):
    """One secret, without its value. `since` is UTC, None where an older vault did not note it; `age_days` is whole.

    `rotation` is `yes`, `loss` (only with --accept-loss) or `no`, and `why` says what would be lost or why not.
    """

    name: str
    kind: str
    used_by: tuple[str, ...]
    since: datetime | None
    age_days: int | None
    rotation: str
    why: str


class VaultFacts(Frozen):
    """All secrets of a client; `unfinished` names those of a rotation that was interrupted."""

    secrets: tuple[SecretFacts, ...]
    unfinished: tuple[str, ...]

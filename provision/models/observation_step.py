"""One request of a probe."""

from __future__ import annotations

from provision.models.base import Frozen


class WebStep(Frozen):
    """One request. `status` None: no HTTP answer came, and `error` says why. `detail` is what was seen in it."""

    status: int | None = None
    detail: str = ""
    error: str = ""
    seconds: float = 0.0

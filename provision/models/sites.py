"""Which paths of a service the gateway lets through."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from provision.models.base import Frozen

SitePath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/*-]*$")]
"""As Caddy's `path` matcher reads it: `*` at the end is whatever follows, elsewhere it stays within a part."""


class SitePaths(Frozen):
    """Everything that is not in `health` or `paths` is answered 404, and so is what is in `never`.

    A single sign-on is not asked before `health`.
    """

    health: Annotated[tuple[SitePath, ...], Field(max_length=8)] = ()
    paths: tuple[SitePath, ...] = ()
    start: SitePath | None = None
    """Where `/`, which is in `paths` then, leads: a service whose first page is elsewhere."""
    never: tuple[SitePath, ...] = ()
    """What is left out of `paths`: nobody needs it from outside, or provision sets it."""
    source: str = ""

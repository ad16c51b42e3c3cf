"""The one base of all data: immutable, and an unknown key is an error; and what several of them name."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

FilePath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/@+-]{1,254}$")]
"""A file of the controller, from its root."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

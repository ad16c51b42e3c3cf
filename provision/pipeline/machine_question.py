"""A script that asks a service on its machine, where alone the service can be reached."""

from __future__ import annotations

import shlex
import subprocess
from typing import Protocol, Self

from pydantic import ValidationError

from provision.models.plan import Plan
from provision.pipeline.connect import ssh_to


class Answer(Protocol):
    """An observation with an `error`, read from JSON."""

    def __init__(self, *, error: str) -> None: ...

    @classmethod
    def model_validate_json(cls, json_data: str) -> Self: ...


def ask_machine[A: Answer](
    plan: Plan, machine: str, words: tuple[str, ...], key: str, kind: type[A], limit_s: float
) -> A:
    """What the command prints, as `kind`; where it cannot be had, one with the reason.

    The key goes by standard input, so that no process list shows it.
    """
    try:
        done = subprocess.run(
            ssh_to(plan, machine, (shlex.join(words),)),
            input=key,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
        )
        return kind.model_validate_json(done.stdout)
    except ValidationError:
        return kind(error=f"its machine said: {done.stderr.strip()[-160:] or 'nothing'}")
    except (OSError, subprocess.TimeoutExpired) as error:
        return kind(error=f"its machine was not reached: {error}")

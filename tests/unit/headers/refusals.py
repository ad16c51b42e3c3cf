"""What every refused file has in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.errors import ExitCode, ProvisionError


@contextmanager
def refused(what: str) -> Iterator[None]:
    """The block raises an error that says `what`, in three lines, with an exit code that the user's input explains."""
    with pytest.raises(ProvisionError) as caught:
        yield
    check(caught.value)
    assert what in caught.value.what


def check(error: ProvisionError) -> None:
    lines = str(error).splitlines()
    assert [line.split(":")[0] for line in lines] == ["Error", "Where", " Hint"]
    assert all(line.isprintable() and len(line) < 1000 for line in lines)
    assert ExitCode.USAGE <= error.exit_code <= ExitCode.PLAN_IMPOSSIBLE


def read_or_refuse[Result](read: Callable[[Path], Result], path: Path) -> Result | None:
    """The result, or None after an error of the right form. Anything else that is raised fails the test."""
    try:
        return read(path)
    except ProvisionError as error:
        check(error)
        return None

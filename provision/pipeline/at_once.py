"""The same for several things at once, and everything that failed told together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from provision.errors import ErrorGroup, ProvisionError

AT_ONCE = 4


def for_all[Item, Result](items: Iterable[Item], do: Callable[[Item], Result]) -> list[Result]:
    """Do it for all at once. Raises ErrorGroup of everything that failed, when all have ended."""
    chosen = list(items)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        futures = [pool.submit(do, item) for item in chosen]
    errors: list[ProvisionError] = []
    for future in futures:
        error = future.exception()
        if isinstance(error, ProvisionError):
            errors.append(error)
        elif isinstance(error, ErrorGroup):
            errors.extend(error.errors)
        elif error is not None:
            raise error
    if errors:
        raise ErrorGroup(errors)
    return [future.result() for future in futures]

"""The one console: NO_COLOR, pipes and narrow terminals are respected."""

from __future__ import annotations

from rich.console import Console

PIPED_WIDTH = 100
"""Columns where the output is no terminal, so that a log does not wrap at 80."""


def make_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console for stdout or stderr; rich itself honours NO_COLOR, FORCE_COLOR and TERM=dumb."""
    console = Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)
    if width is None and not console.is_terminal:
        console.width = max(console.width, PIPED_WIDTH)
    return console

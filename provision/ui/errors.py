"""Errors in three lines: what, where, hint."""

from __future__ import annotations

from rich.text import Text

from provision.errors import ErrorGroup, ProvisionError
from provision.ui.printable import printable


def render_error(error: ProvisionError | ErrorGroup) -> Text:
    """One error, or all of a group with an empty line between them."""
    errors = error.errors if isinstance(error, ErrorGroup) else (error,)
    return Text("\n\n").join(_three_lines(item) for item in errors)


def _three_lines(error: ProvisionError) -> Text:
    text = Text("Error: ", style="bold red")
    text.append(_one_line(error.what), style="default")
    text.append("\nWhere: ", style="bold")
    text.append(_one_line(error.where), style="default")
    text.append("\n Hint: ", style="bold")
    text.append(_one_line(error.hint), style="default")
    return text


def _one_line(text: str) -> str:
    """A newline within a part would break the three-line form that scripts and people rely on."""
    return printable(" ".join(text.split("\n")))

"""The articles' figures for a person: what does not follow first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from provision.models.figures import Figure
from provision.ui.printable import safe

_STYLES = {
    "does not follow": "bold red",
    "follows in part": "bold yellow",
    "no inputs given": "bold magenta",
    "follows": "bold green",
}


def render_figures(figures: Sequence[Figure]) -> RenderableType:
    """Three lines each: the verdict and the sentence, stated beside computed, the arithmetic."""
    parts: list[RenderableType] = []
    for verdict, style in _STYLES.items():
        for figure in (one for one in figures if one.verdict == verdict):
            head = Text(f"{verdict}  ", style=style)
            head.append_text(safe(f"[{figure.article}] {figure.sentence}", "bold"))
            values = f"  stated {figure.show(figure.stated)} · from its inputs {figure.show(figure.computed)}"
            parts += [head, safe(values), safe(f"  {figure.arithmetic}", "dim")]
    counts = ", ".join(f"{sum(one.verdict == verdict for one in figures)} {verdict}" for verdict in _STYLES)
    return Group(*parts, Text(), Text(f"{len(figures)} figures: {counts}"))

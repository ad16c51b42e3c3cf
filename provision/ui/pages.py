"""Where the pages' templates lie, and how all of them are rendered."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "report"


def open_page(name: str, templates: Path = TEMPLATES) -> Template:
    """Every value is escaped, and a missing one is an error: templates receive ready values and decide nothing."""
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)

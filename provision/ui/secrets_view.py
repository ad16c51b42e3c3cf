"""What a client's vault holds, as a table. It never gets a value."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from provision.models.secret import VaultFacts
from provision.ui.plan_table import new_table
from provision.ui.printable import printable, safe

_STYLE = {"yes": "green", "loss": "yellow", "no": "dim"}


def render_secrets(vault: VaultFacts) -> RenderableType:
    """One row per secret; what to do next where a rotation was interrupted."""
    table = new_table("Secrets in the vault")
    for head in ("name", "kind", "used by"):
        table.add_column(head, overflow="fold")
    table.add_column("age", justify="right")
    for head in ("rotate", "why"):
        table.add_column(head, overflow="fold")
    for secret in vault.secrets:
        age = "unknown" if secret.age_days is None else f"{secret.age_days} d"
        rotation = Text(secret.rotation, style=_STYLE[secret.rotation])
        users = ", ".join(secret.used_by) or "-"
        table.add_row(safe(secret.name, "bold"), safe(secret.kind), safe(users), age, rotation, safe(secret.why))
    if not vault.unfinished:
        return table
    names = printable(" ".join(vault.unfinished))
    return Group(table, Text(f"Not finished. Next: provision secrets rotate {names}", style="bold yellow"))

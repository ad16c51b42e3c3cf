"""The end of `up`: verdict, addresses, where the credentials lie, the time of each stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from provision.models.report import Receipt, StageTime
from provision.ui.checks_table import render_cards, render_counts, render_problems
from provision.ui.plan_table import new_table
from provision.ui.printable import in_seconds, printable, safe


def render_summary(
    receipt: Receipt,
    *,
    changed: int,
    stages: Sequence[StageTime],
    credentials: Path,
    files: Mapping[str, Path],
) -> RenderableType:
    """Everything a person needs after `up`. `changed` counts changed tasks; `files` names what was written."""
    problems = [render_problems(receipt), Text()] if receipt.verdict == "failed" else []
    parts: list[RenderableType] = [
        *problems,
        _verdict(receipt),
        render_counts(receipt.checks),
        Text(f"Changed: {changed} task{'' if changed == 1 else 's'}" + (" (nothing to do)" if not changed else "")),
        Text(),
        _addresses(receipt),
        Text(),
        _places(credentials, files),
        Text(),
    ]
    if receipt.cards:
        parts += [render_cards(receipt.cards), Text()]
    return Group(*parts, render_stages(stages))


def render_stages(stages: Sequence[StageTime]) -> Table:
    """Time of each stage and their sum."""
    table = new_table("Time of each stage")
    table.add_column("stage")
    table.add_column("time", justify="right")
    for stage in stages:
        table.add_row(safe(stage.stage), in_seconds(stage.seconds))
    table.add_section()
    table.add_row("total", in_seconds(sum(stage.seconds for stage in stages)), style="bold")
    return table


def _verdict(receipt: Receipt) -> Text:
    passed = receipt.verdict == "passed"
    text = Text("PASSED" if passed else "FAILED", style="bold green" if passed else "bold red")
    text.append(f"  {printable(receipt.client)} · {printable(receipt.profile)} · {receipt.target}", style="default")
    if receipt.simulated:
        text.append(" · GPUs simulated", style="magenta")
    standing = [name for name, release in receipt.releases.items() if release.endswith("-standin")]
    if standing:
        text.append(f" · stand-ins: {printable(', '.join(standing))}", style="magenta")
    return text


def _addresses(receipt: Receipt) -> Table:
    table = new_table("Addresses")
    table.add_column("site")
    table.add_column("url", overflow="fold")
    for name, url in receipt.urls.items():
        table.add_row(safe(name, "bold"), safe(url))
    return table


def _places(credentials: Path, files: Mapping[str, Path]) -> Text:
    """Paths stand on their own lines, uncut, so that they can be copied."""
    text = Text("Credentials: ", style="bold")
    text.append(printable(str(credentials)), style="default")
    for name, path in files.items():
        text.append(f"\n{printable(name)}: ", style="bold")
        text.append(printable(str(path)), style="default")
    return text

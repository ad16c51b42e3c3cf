"""The findings about a Proxmox node: errors first, each in three lines."""

from __future__ import annotations

from rich.text import Text

from provision.models.node import NodeFinding, NodeReport
from provision.ui.printable import printable

_LABELS = {"error": ("Error: ", "bold red"), "warning": ("Warning: ", "bold yellow")}


def render_node(report: NodeReport) -> Text:
    """What the node is, all findings with an empty line between them, and what follows from them."""
    parts = [_head(report)]
    for severity in _LABELS:
        parts += [_three_lines(finding) for finding in report.findings if finding.severity == severity]
    return Text("\n\n").join([*parts, _verdict(report)])


def _head(report: NodeReport) -> Text:
    version = report.system or (f"Proxmox VE {report.pve}" if report.pve else "no Proxmox VE")
    driver = f"NVIDIA driver {report.driver}" if report.driver else "no NVIDIA driver loaded"
    text = Text(f"{'Host' if report.system else 'Node'} {printable(report.node)}", style="bold")
    return text.append(printable(f" · {version} · kernel {report.kernel} · {driver}"), style="default")


def _three_lines(finding: NodeFinding) -> Text:
    label, style = _LABELS[finding.severity]
    text = Text(label, style=style).append(_one_line(finding.what), style="default")
    for name, value in (("Where: ", finding.where), ("Hint: ", finding.hint)):
        text.append(f"\n{name:>{len(label)}}", style="bold").append(_one_line(value), style="default")
    return text


def _verdict(report: NodeReport) -> Text:
    errors = sum(1 for finding in report.findings if finding.severity == "error")
    warnings = len(report.findings) - errors
    if not report.findings:
        return Text(f"Everything the plan needs of the {'host' if report.system else 'node'} is there.", style="green")
    counts = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
    return Text(f"{counts}. Nothing was changed.", style="bold red" if errors else "yellow")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _one_line(text: str) -> str:
    return printable(" ".join(text.split("\n")))

"""A plan as tables a person can read at 80 columns."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from provision.models.plan import Card, EngineInstance, Finding, Plan, PlannedMachine, PlannedService
from provision.ui.card_bars import part_budgets, render_card
from provision.ui.printable import in_gib, printable, safe

_SIMULATED = "simulated"


def render_plan(plan: Plan) -> RenderableType:
    """Machines, services, models, cards, addresses and findings, in this order."""
    parts: list[RenderableType] = [
        _headline(plan),
        _machines(plan),
        _services(plan),
        *_models(plan),
        *(_card(plan, card) for card in plan.cards),
        *_sites(plan),
        *(render_finding(finding) for finding in plan.findings),
    ]
    return Group(*(item for part in parts for item in (part, Text())))


def new_table(title: str) -> Table:
    """The look of every table: no frame, a rule under the heads, title at the left."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1),
        pad_edge=False,
    )


def render_finding(finding: Finding) -> Text:
    """A finding in the three lines of every message."""
    style = "yellow" if finding.severity == "warning" else "cyan"
    text = Text(f"{finding.severity.capitalize()}: ", style=style)
    text.append(printable(finding.what), style="default")
    text.append(f"\n  Where: {printable(finding.where)}\n   Hint: {printable(finding.hint)}", style="default")
    return text


def _headline(plan: Plan) -> Text:
    text = Text("Plan", style="bold")
    place = "lab" if plan.target == "lab" else f"{plan.target} on {plan.platform}"
    text.append(f" for {printable(plan.client)} · profile {printable(plan.profile)} · {place} · {plan.network}")
    if any(card.simulated for card in plan.cards):
        text.append("\nGPUs are simulated, and large models are replaced by a small real one.", style="magenta")
    return text


def _machines(plan: Plan) -> Table:
    table = new_table("Machines")
    for head in ("machine", "kind", "address"):
        table.add_column(head)
    for head in ("cores", "memory", "disk"):
        table.add_column(head, justify="right")
    table.add_column("cards")
    for machine in plan.machines:
        cards = ", ".join(str(index) for index in machine.cards) or "-"
        if any(card.simulated for card in plan.cards if card.index in machine.cards):
            cards += f" ({_SIMULATED})"
        table.add_row(
            safe(machine.name, "bold"),
            _kind(plan, machine),
            str(machine.address),
            str(machine.cores),
            in_gib(machine.memory_mib),
            in_gib(machine.disk_mib),
            cards,
        )
    return table


def _kind(plan: Plan, machine: PlannedMachine) -> str:
    return "vm (a stand-in)" if machine.kind == "vm" and plan.target == "lab" else machine.kind


def _services(plan: Plan) -> Table:
    table = new_table("Services")
    table.add_column("machine")
    table.add_column("service")
    table.add_column("port", justify="right")
    table.add_column("release", overflow="fold")
    previous = ""
    for service in sorted(plan.services, key=lambda s: [m.name for m in plan.machines].index(s.machine)):
        table.add_row(
            safe(service.machine if service.machine != previous else "", "bold"),
            safe(service.name),
            str(service.port or "-"),
            _release_name(service),
        )
        previous = service.machine
    return table


def _release_name(service: PlannedService) -> Text:
    text = safe(service.release or "Debian package")
    if service.stand_in:
        text.append("\na stand-in of the lab", style="magenta")
    return text


def _models(plan: Plan) -> list[RenderableType]:
    if not plan.engines:
        return []
    table = new_table("Models")
    table.add_column("name")
    table.add_column("model", overflow="fold")
    table.add_column("context x slots", justify="right")
    table.add_column("on")
    table.add_column("bound", justify="right")
    for engine in plan.engines:
        table.add_row(safe(engine.name, "bold"), _model_name(engine), _context(engine), _place(engine), _bound(engine))
    for balancer in plan.balancers:
        table.add_row(
            safe(balancer.name, "bold"),
            f"one address for {', '.join(map(printable, balancer.members))}",
            "",
            balancer.machine,
            "",
        )
    return [table]


def _model_name(engine: EngineInstance) -> Text:
    text = safe(f"{engine.model} {engine.quant}")
    if engine.simulated:
        text.append(f"\nsimulated: stands for {printable(engine.wanted_model)}", style="magenta")
    return text


def _context(engine: EngineInstance) -> str:
    return f"{engine.context_tokens // engine.parallel} x {engine.parallel}"


def _place(engine: EngineInstance) -> str:
    if not engine.cards:
        return f"CPU of {engine.machine}"
    cards = ", ".join(str(budget.card) for budget in engine.cards)
    place = f"{engine.machine}, card{'s' if len(engine.cards) > 1 else ''} {cards}"
    return f"{place}\n({_SIMULATED})" if engine.simulated else place


def _bound(engine: EngineInstance) -> str:
    if engine.embeddings:
        return "embeddings"
    return "-" if engine.decode_bound_tok_s is None else f"≤ {engine.decode_bound_tok_s:.0f} tok/s"


def _card(plan: Plan, card: Card) -> Group:
    head = Text(f"Card {card.index} ", style="bold")
    head.append(f"{printable(card.nvml_name)} · {card.usable_mib} of {card.memory_mib} MiB usable", style="default")
    if card.simulated:
        head.append(f" · {_SIMULATED}", style="magenta")
    return render_card(head, part_budgets(plan, card.index), card.usable_mib)


def _sites(plan: Plan) -> list[RenderableType]:
    if not plan.sites:
        return []
    table = new_table("Addresses")
    table.add_column("site")
    table.add_column("url", overflow="fold")
    table.add_column("for")
    for site in plan.sites:
        table.add_row(safe(site.name, "bold"), safe(site.url), safe(site.purpose))
    return [table]

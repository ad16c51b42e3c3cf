"""The answer of `fit` for a person: verdict and reasons first, then a bar per card, then speed, then what would fit."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from provision.models.fit import FitAnswer, ModelOnCards, Suggestion
from provision.ui.card_bars import part_card, render_card
from provision.ui.plan_table import new_table
from provision.ui.printable import safe

CONTEXT_SHOWN = 8192
VERDICT_STYLE = {"fits": "bold green", "tight": "bold yellow", "no": "bold red"}


def render_fit(answer: FitAnswer) -> RenderableType:
    """Everything that `fit --json` says."""
    head = Text(answer.verdict, style=VERDICT_STYLE[answer.verdict])
    head.append(f"  {answer.model} {answer.quant} · {answer.engine}", style="default")
    parts: list[RenderableType] = [head, *(safe(reason) for reason in answer.reasons)]
    for card in answer.per_gpu:
        title = Text(f"Card {card.index} ", style="bold")
        title.append(f"{card.total_mib} of {card.usable_mib} MiB", style="default")
        bar = part_card(card.weights_mib, card.kv_mib, card.compute_mib, card.overhead_mib)
        parts += [Text(), render_card(title, bar, card.usable_mib)]
    parts += [Text(), *_facts(answer)]
    if answer.suggestions:
        parts += [Text(), _suggestions(answer.suggestions)]
    return Group(*parts)


def _facts(answer: FitAnswer) -> list[Text]:
    facts = [f"Host memory: {answer.host_mib} MiB · largest context per slot: {answer.max_context_tokens} tokens"]
    if answer.decode_tok_s:
        rate = answer.decode_tok_s
        facts.append(f"Decoding, one user: about {rate.expected:.0f} tokens/s (at most {rate.bound:.0f})")
    if answer.prefill_tok_s:
        bound = answer.prefill_tok_s.bound
        facts.append(f"Reading a prompt: at most {bound:.0f} tokens/s by arithmetic, often half of it or less")
    served = [at for at in answer.users if at.users]
    if served:
        each = ", ".join(f"{at.users} at {at.tok_s} tokens/s each" for at in served)
        facts.append(f"Users at once, every slot's context full: {each}")
    if answer.load_s:
        load = answer.load_s
        facts.append(f"Loading: at least {load.total:.0f} s (disk {load.disk:.0f} s, PCIe {load.pcie:.0f} s)")
    return [Text(fact) for fact in facts]


def _suggestions(suggestions: tuple[Suggestion, ...]) -> RenderableType:
    table = new_table("What would fit")
    table.add_column("change")
    table.add_column("options", overflow="fold")
    table.add_column("")
    for suggestion in suggestions:
        verdict = Text(suggestion.verdict, style=VERDICT_STYLE[suggestion.verdict])
        table.add_row(safe(suggestion.change), safe(suggestion.options), verdict)
    return table


def render_survey(profile: str, cards: str, models: tuple[ModelOnCards, ...]) -> RenderableType:
    """All models against a profile's cards, the smallest first."""
    table = new_table(f"Models on {cards} (profile {profile})")
    table.caption = (
        f"the largest file that fits with {CONTEXT_SHOWN} tokens, on the fewest cards · context: the most that one "
        "slot may have · ! licence: see provision models"
    )
    table.caption_justify = "left"
    table.add_column("model", no_wrap=True)
    table.add_column("file", no_wrap=True)
    table.add_column("")
    for head in ("cards", "context", "tokens/s"):
        table.add_column(head, justify="right")
    for row in models:
        rate = "-" if row.decode_tok_s is None else f"{row.decode_tok_s.expected:.0f} (≤ {row.decode_tok_s.bound:.0f})"
        name = safe(row.model, "bold")
        name.append(" !" if row.licence_warning else "", style="yellow")
        context = f"{row.max_context_tokens}" if row.max_context_tokens else "-"
        cards_held = f"{row.cards}" if row.verdict == "fits" else "-"
        table.add_row(name, row.quant, Text(row.verdict, VERDICT_STYLE[row.verdict]), cards_held, context, rate)
    return table

"""The questions of `provision advise` at a terminal. The answers come back as the file that they would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

import yaml
from rich.console import Console
from rich.prompt import Confirm, IntPrompt, Prompt

from provision.models.advice import DataClass

CLASSES: tuple[DataClass, ...] = get_args(DataClass)
_SENSITIVE = CLASSES[2:]
_MOST_USE_CASES = 50


def ask_answers(console: Console, workloads: Mapping[str, str]) -> str:
    """YAML of an answers file; `workloads`: the title of each kind of work. Raises EOFError where the input ends."""
    answers: dict[str, object] = {"version": 1}
    answers["people"] = _ask_number(console, "How many people would use it?", least=1)
    answers["at_once"] = _ask_number(console, "How many of them at the same time?", least=1, usual=answers["people"])
    console.print("Operations: in_house (own people run Linux and GPUs), bought (a provider does), none (nobody yet)")
    answers["operations"] = _choose(console, "Who would run a machine?", ("in_house", "bought", "none"))
    answers["site"] = _choose(console, "Where may a machine stand?", ("on_premises", "rented", "either"))
    spend = _ask_number(console, "Cloud models for everyone, DKK a month (-1: not known)?", least=-1)
    tokens = _ask_number(console, "Tokens a month, in and out (-1: not known)?", least=-1, usual=-1)
    amounts = {"cloud_dkk_per_month": spend, "tokens_per_month": tokens}
    answers |= {name: amount for name, amount in amounts.items() if amount >= 0}
    answers["customers_ask"] = _confirm(console, "Do customers ask where their data are processed?")
    answers["on_premises_required"] = _confirm(console, "Must processing on own premises be shown to somebody?")
    answers["pilot"] = _choose(console, "A pilot with own use cases?", ("not_run", "passed", "failed"))
    cases = _ask_use_cases(console, workloads)
    answers["use_cases"] = cases
    held = [one for one in _SENSITIVE if any(one in _data(case) for case in cases)]
    if held:
        question = f"Which of {', '.join(held)} may go to an EU provider under an agreement (empty: none)?"
        answers["eu_processor"] = _choose_several(console, question, held, none=True)
    return yaml.safe_dump(answers, sort_keys=False, allow_unicode=True)


def _ask_use_cases(console: Console, workloads: Mapping[str, str]) -> list[dict[str, object]]:
    console.print("Kinds of work:")
    for name, title in workloads.items():
        console.print(f"  {name:22}{title}")
    console.print(f"Classes of data: {', '.join(CLASSES)} (art9: GDPR Art. 9 and 10; secrecy: professional secrecy)")
    cases: list[dict[str, object]] = []
    while len(cases) < _MOST_USE_CASES:
        console.print(f"Use case {len(cases) + 1}")
        name = Prompt.ask("  Name (small letters, digits, -)", console=console)
        work = _choose(console, "  Kind of work", tuple(workloads), shown=False)
        data = _choose_several(console, "  Classes of its data, with commas", CLASSES, none=False)
        batch = _confirm(console, "  Does it run by itself, in volume?")
        cases.append({"name": name, "workload": work, "data": data, "batch": batch})
        if not _confirm(console, "Another use case?"):
            break
    return cases


def _data(case: Mapping[str, object]) -> Sequence[str]:
    data = case["data"]
    return data if isinstance(data, list) else []


def _ask_number(console: Console, question: str, *, least: int, usual: object = None) -> int:
    while True:
        given = (
            IntPrompt.ask(question, console=console, default=usual)
            if isinstance(usual, int)
            else IntPrompt.ask(question, console=console)
        )
        if given >= least:
            return given
        console.print(f"write {least} or more")


def _choose(console: Console, question: str, choices: Sequence[str], *, shown: bool = True) -> str:
    return Prompt.ask(question, console=console, choices=list(choices), show_choices=shown)


def _choose_several(console: Console, question: str, choices: Sequence[str], *, none: bool) -> list[str]:
    while True:
        text = Prompt.ask(question, console=console, default="" if none else ..., show_default=False)
        given = [part.strip() for part in str(text).split(",") if part.strip()]
        wrong = [part for part in given if part not in choices]
        if not wrong and (given or none):
            return list(dict.fromkeys(given))
        console.print(f"'{wrong[0] if wrong else ''}' is none of {', '.join(choices)}")


def _confirm(console: Console, question: str) -> bool:
    return Confirm.ask(question, console=console, default=False)

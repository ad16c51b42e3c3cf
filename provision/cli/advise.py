"""`provision advise`: cloud, hybrid or self-hosted, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from provision.cli.choices import Json
from provision.errors import UsageError


def register(app: typer.Typer) -> None:
    app.command()(advise)


def advise(
    answers: Annotated[
        Path | None, typer.Option("--answers", help="a file of answers instead of questions", metavar="FILE")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="print the rules instead")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="write the advice as a page, too", metavar="FILE")] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="write a draft of the decision layer's policy", metavar="FILE")
    ] = None,
    profile_file: Annotated[
        Path | None, typer.Option("--profile-file", help="write a profile with the advised models", metavar="FILE")
    ] = None,
    save: Annotated[Path | None, typer.Option("--save", help="keep the answers given here", metavar="FILE")] = None,
    as_json: Json = False,
) -> None:
    """Cloud, hybrid or self-hosted? A recommendation from the firm's own answers, each sentence with its rule."""
    if explain:
        _explain(as_json=as_json)
        return
    from provision.pipeline import advise as pipeline
    from provision.ui.advice_view import render_advice
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json

    if answers is not None and save is not None:
        raise UsageError("the answers are in a file already", where="--save", hint="leave out --save or --answers")
    text = None if answers is not None else _ask()
    given = pipeline.answers_of(answers) if answers is not None else pipeline.answers_from(text or "")
    found = pipeline.recommend(given)
    files: list[tuple[Path, str]] = []
    if html is not None:
        from provision.ui.advice_html import render_advice_html

        files.append((html, render_advice_html(found)))
    if policy is not None:
        files.append((policy, pipeline.draft(found, given)))
    if profile_file is not None:
        files.append((profile_file, pipeline.draft_profile(found)))
    if save is not None:
        files.append((save, text or ""))
    pipeline.write_new(files)
    print(to_json(found)) if as_json else make_console().print(render_advice(found))


def _ask() -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            "the questions need a terminal, and this is none",
            where="provision advise",
            hint="write the answers to a file and add --answers FILE; docs/advise.md has a whole one",
        )
    from provision.pipeline.advise import list_workloads
    from provision.ui.advice_questions import ask_answers
    from provision.ui.console import make_console

    try:
        return ask_answers(make_console(stderr=True), list_workloads())
    except EOFError:
        raise UsageError(
            "the input ended before the last question", where="provision advise", hint="answer all, or use --answers"
        ) from None


def _explain(*, as_json: bool) -> None:
    from provision.pipeline.advise import list_rules
    from provision.ui.advice_view import render_rules
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json

    rules = list_rules()
    print(to_json(rules)) if as_json else make_console().print(render_rules(rules))

"""Verbs that change nothing: profiles, gpus, models, fit, plan, render."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provision.cli.choices import Client, Json, Lab, Profile, Settings, read_options
from provision.errors import ExitCode


def register(app: typer.Typer) -> None:
    for verb in (profiles, gpus, models, fit, plan, render):
        app.command()(verb)


def profiles(as_json: Json = False) -> None:
    """List the built-in profiles."""
    from provision.pipeline.catalogue import list_known_profiles
    from provision.ui.catalogue_tables import render_profiles
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json

    found = list_known_profiles()
    print(to_json(found)) if as_json else make_console().print(render_profiles(found))


def gpus(as_json: Json = False) -> None:
    """List the GPUs that plans can be made for, each figure with its source."""
    from provision.pipeline.catalogue import list_gpus
    from provision.ui.catalogue_tables import render_gpus
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json

    found = list_gpus()
    print(to_json(found)) if as_json else make_console().print(render_gpus(found))


def models(as_json: Json = False) -> None:
    """List the models of the catalogue with licence and file sizes."""
    from provision.pipeline.catalogue import list_models
    from provision.ui.catalogue_tables import render_models
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json

    found = list_models()
    print(to_json(found)) if as_json else make_console().print(render_models(found))


def fit(
    model: Annotated[str, typer.Option("--model", help="a model of the catalogue")],
    quant: Annotated[str, typer.Option("--quant", help="for example q4_k_m")],
    gpu: Annotated[str, typer.Option("--gpu", help="a GPU of the catalogue")],
    count: Annotated[int, typer.Option("--count", min=1, max=16, help="how many cards")] = 1,
    context: Annotated[int, typer.Option("--context", min=256, help="tokens per slot")] = 8192,
    parallel: Annotated[int, typer.Option("--parallel", min=1, max=256, help="slots")] = 1,
    kv: Annotated[str, typer.Option("--kv", help="f16, q8_0 or q4_0")] = "f16",
    as_json: Json = False,
) -> int:
    """Does the model fit on the cards? Exit 0 if it does, 4 if not (a first budget of memory)."""
    from provision.pipeline.fit import answer_fit
    from provision.ui.catalogue_tables import render_fit
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json

    answer = answer_fit(model=model, quant=quant, gpu=gpu, count=count, context=context, parallel=parallel, kv=kv)
    print(to_json(answer)) if as_json else make_console().print(render_fit(answer))
    return ExitCode.PLAN_IMPOSSIBLE if answer.verdict == "no" else ExitCode.OK


def plan(
    profile: Profile = None, client: Client = None, settings: Settings = None, lab: Lab = False, as_json: Json = False
) -> None:
    """Show every decision before anything is touched, and how it differs from what stands."""
    from provision.pipeline.planning import make_plan
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.plan_diff import render_plan_diff
    from provision.ui.plan_table import render_plan

    planned = make_plan(read_options(profile, client, settings, lab))
    if as_json:
        print(to_json(planned.plan))
        return
    console = make_console()
    console.print(render_plan(planned.plan))
    if planned.changes is not None:
        console.print(render_plan_diff(planned.changes))


def render(
    output: Annotated[Path, typer.Option("--output", "-o", help="folder to write; must be new or one of ours")],
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
) -> None:
    """Write the Ansible inventory of a profile, without secrets and without touching any machine."""
    from provision.pipeline.render import render_to

    files = render_to(read_options(profile, client, settings, lab), output)
    print(*(str(output / name) for name in files), sep="\n")

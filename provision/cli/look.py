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


def models(profile: Profile = None, client: Client = None, settings: Settings = None, as_json: Json = False) -> None:
    """List the models of the catalogue; with --profile, what each would do on that profile's cards."""
    from provision.pipeline.catalogue import list_models
    from provision.ui.catalogue_tables import render_models
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json

    if profile is None and client is None:
        found = list_models()
        print(to_json(found)) if as_json else make_console().print(render_models(found))
        return
    from provision.pipeline.survey import survey
    from provision.ui.fit_view import render_survey

    seen = survey(read_options(profile, client, settings, lab=False))
    if as_json:
        print(to_json(seen))
    else:
        make_console().print(render_survey(seen.profile, seen.cards, seen.models))


def fit(
    gpu: Annotated[str, typer.Option("--gpu", help="a GPU of the catalogue")],
    model: Annotated[str | None, typer.Option("--model", help="a model of the catalogue, by any of its names")] = None,
    quant: Annotated[str | None, typer.Option("--quant", help="for example q4_k_m (vllm: bf16, fp8)")] = None,
    gguf: Annotated[Path | None, typer.Option("--gguf", help="a GGUF file instead; only its header is read")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="a config.json, or the folder of a safetensors model, instead")
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=16, help="how many cards")] = 1,
    context: Annotated[int, typer.Option("--context", min=256, help="tokens per slot")] = 8192,
    parallel: Annotated[int, typer.Option("--parallel", min=1, max=256, help="slots")] = 1,
    kv: Annotated[str, typer.Option("--kv", help="f16, q8_0 or q4_0 (vllm: f16 or fp8)")] = "f16",
    engine: Annotated[str, typer.Option("--engine", help="llama.cpp, ollama or vllm")] = "llama.cpp",
    ubatch: Annotated[
        int | None, typer.Option("--ubatch", min=32, max=65536, help="tokens computed at once (vllm: batched tokens)")
    ] = None,
    tensor_parallel: Annotated[
        int | None, typer.Option("--tensor-parallel", min=1, max=16, help="vllm: cards per model (default: all)")
    ] = None,
    utilisation: Annotated[
        float | None, typer.Option("--utilisation", min=0.1, max=0.99, help="vllm: share of a card it may take")
    ] = None,
    as_json: Json = False,
) -> int:
    """Does a model fit, with how much context for how many, and how fast at best? Exit 4 if it does not fit."""
    from provision.pipeline.fit import Question, answer
    from provision.ui.console import make_console
    from provision.ui.fit_view import render_fit
    from provision.ui.jsonout import to_json

    question = Question(
        model=model, quant=quant, gguf=gguf, config=config, gpu=gpu, count=count, context=context, parallel=parallel,
        kv=kv, engine=engine, ubatch=ubatch, tensor_parallel=tensor_parallel, utilisation=utilisation,
    )  # fmt: skip
    found = answer(question)
    print(to_json(found)) if as_json else make_console().print(render_fit(found))
    return ExitCode.PLAN_IMPOSSIBLE if found.verdict == "no" else ExitCode.OK


def plan(
    profile: Profile = None, client: Client = None, settings: Settings = None, lab: Lab = False, as_json: Json = False
) -> None:
    """Show every decision before anything is touched, and how it differs from what stands."""
    from provision.pipeline.authorities import read_authorities
    from provision.pipeline.firm_policy import read_firm_policy
    from provision.pipeline.planning import make_plan
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.plan_diff import render_plan_diff
    from provision.ui.plan_table import render_plan

    planned = make_plan(read_options(profile, client, settings, lab))
    read_firm_policy(planned.plan, read_authorities(planned.plan))
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

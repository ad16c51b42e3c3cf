"""The options that most verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

from provision.pipeline.options import Options

Profile = Annotated[
    str | None, typer.Option("--profile", help="a built-in profile's name, or a file", metavar="NAME|FILE")
]
Client = Annotated[str | None, typer.Option("--client", help="a client made by provision init", metavar="NAME")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="override one value of the profile; repeatable", metavar="KEY=VALUE")
]
Lab = Annotated[bool, typer.Option("--lab", help="on real LXC guests of this machine, GPUs simulated")]
Json = Annotated[bool, typer.Option("--json", help="print JSON for machines")]


def read_options(profile: str | None, client: str | None, settings: list[str] | None, lab: bool) -> Options:
    return Options(profile=profile, client=client, settings=tuple(settings or ()), lab=lab)

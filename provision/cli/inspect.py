"""Verbs that look at what stands: status, logs, ssh, doctor."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from provision.cli.choices import Client, Json, Lab, Profile, Settings, read_options
from provision.errors import ExitCode
from provision.pipeline.options import Options

Machine = Annotated[str, typer.Argument(help="the machine's name, for example engine")]


def register(app: typer.Typer) -> None:
    for verb in (status, logs, doctor):
        app.command()(verb)
    app.command(context_settings={"ignore_unknown_options": True})(ssh)


def status(
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
    digest: Annotated[bool, typer.Option("--digest", help="the digest of the machines' state instead")] = False,
    as_json: Json = False,
) -> int:
    """What stands, who is at work on it, and what was last proven."""
    if digest:
        return _print_digest(read_options(profile, client, settings, lab), as_json=as_json)
    from provision.pipeline.status import read_status
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.status_table import render_status

    found = read_status(read_options(profile, client, settings, lab))
    if as_json:
        print(to_json(found))
    else:
        make_console().print(
            render_status(
                client=found.client,
                target=found.target,
                plan=found.plan,
                reachable=found.reachable,
                drift=found.drift,
                node_unread=found.node_unread,
                holder=f"{found.holder.user}, pid {found.holder.pid}, since {found.holder.started:%H:%M:%S} UTC"
                if found.holder
                else None,
                last=(found.last_receipt, found.last_verdict),
            )
        )
    return ExitCode.OK if found.plan and all(found.reachable.values()) and not found.drift else ExitCode.CHECK_FAILED


def _print_digest(options: Options, *, as_json: bool) -> int:
    from provision.pipeline.state import read_state
    from provision.ui.jsonout import to_json

    state = read_state(options)
    print(to_json(state) if as_json else state.digest)
    return ExitCode.OK


def logs(
    machine: Machine,
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=100_000, help="how many lines")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on until Ctrl-C")] = False,
    unit: Annotated[str | None, typer.Option("--unit", "-u", help="of one systemd unit")] = None,
) -> None:
    """Show a machine's journal."""
    from provision.pipeline.connect import logs_command

    options = read_options(profile, client, settings, lab)
    argv = logs_command(options, machine, lines=lines, follow=follow, unit=unit)
    os.execvp(argv[0], argv)


def ssh(
    machine: Machine,
    command: Annotated[list[str] | None, typer.Argument(help="a command to run there")] = None,
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
) -> None:
    """Open a shell on a machine, or run a command there (after --)."""
    from provision.pipeline.connect import ssh_command

    argv = ssh_command(read_options(profile, client, settings, lab), machine, tuple(command or ()))
    os.execvp(argv[0], argv)


def doctor(profile: Profile = None, client: Client = None, settings: Settings = None, as_json: Json = False) -> int:
    """Check this machine for the lab; with --profile or --client, that profile's Proxmox node. Changes nothing."""
    if profile or client or settings:
        return _examine_node(read_options(profile, client, settings, lab=False), as_json=as_json)
    from provision.pipeline.doctor import examine
    from provision.ui.console import make_console
    from provision.ui.errors import render_error
    from provision.ui.jsonout import to_json

    findings = examine()
    if as_json:
        print(to_json([{"what": f.what, "where": f.where, "hint": f.hint} for f in findings]))
    else:
        for finding in findings:
            make_console().print(render_error(finding), soft_wrap=True)
        print("Everything the lab needs is here." if not findings else f"{len(findings)} things are missing.")
    return ExitCode.SETUP_BROKEN if findings else ExitCode.OK


def _examine_node(options: Options, *, as_json: bool) -> int:
    from provision.pipeline.doctor import examine_node
    from provision.ui.console import make_console
    from provision.ui.jsonout import to_json
    from provision.ui.node_view import render_node

    report = examine_node(options)
    if as_json:
        print(to_json(report))
    else:
        make_console().print(render_node(report), soft_wrap=True)
    return report.exit_code

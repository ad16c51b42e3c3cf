"""`provision lab`: real LXC guests of this machine, for Ansible, Molecule and rehearsals."""

from __future__ import annotations

from typing import Annotated

import typer

from provision.cli.choices import Json
from provision.models.lab import GpuFault

app = typer.Typer(help="Real LXC guests of this machine, for tests and rehearsals.")


@app.command()
def hosts(
    count: Annotated[int, typer.Option("--count", min=1, max=16, help="how many guests")] = 1,
    name: Annotated[str, typer.Option("--name", help="the lab's name")] = "hosts",
    as_json: Json = False,
) -> None:
    """Bring plain guests up that answer over ssh; the same call again finds them as they are."""
    from provision.pipeline.lab import make_hosts
    from provision.ui.jsonout import to_json

    state = make_hosts(name, count)
    if as_json:
        print(to_json(state))
        return
    for host in state.hosts:
        options = f"-i {host.private_key} -o UserKnownHostsFile={host.known_hosts}"
        print(f"{host.name}\t{host.address}\tssh {options} {host.user}@{host.address}")


@app.command("list")
def list_all(as_json: Json = False) -> None:
    """List the labs of this machine."""
    from provision.pipeline.lab import list_labs
    from provision.ui.jsonout import to_json

    found = list_labs()
    print(to_json(found) if as_json else "\n".join(found) or "No lab on this machine.")


@app.command()
def down(
    name: Annotated[str | None, typer.Option("--name", help="the lab's name")] = None,
    everything: Annotated[bool, typer.Option("--all", help="every lab of this machine")] = False,
) -> None:
    """Take a lab away: guests, bridge, firewall rules, mounts, processes."""
    from provision.pipeline.lab import destroy

    gone = destroy(name, everything=everything)
    print("Gone: " + ", ".join(gone) if gone else "There was no lab.")


@app.command()
def fault(
    name: Annotated[str, typer.Option("--name", help="the lab's name, which is the client's")],
    kind: Annotated[
        str, typer.Argument(help="none, card-missing, driver-mismatch, uvm-missing, cpu-only, vram-held, wrong-card")
    ],
    machine: Annotated[str, typer.Option("--machine", help="the guest with the simulated cards")] = "engine",
) -> None:
    """Make the simulated GPUs of a guest fail in one way, to see that verify finds it; 'none' heals them."""
    from typing import get_args

    from provision.errors import UsageError
    from provision.pipeline.lab import inject_fault

    known = get_args(GpuFault)
    if kind != "none" and kind not in known:
        raise UsageError(f"'{kind}' is no fault", where="provision lab fault", hint="one of: none, " + ", ".join(known))
    inject_fault(name, machine, next((fault for fault in known if fault == kind), None))
    print(f"{machine} of {name}: " + ("simulated GPUs healthy" if kind == "none" else f"simulated fault '{kind}'"))

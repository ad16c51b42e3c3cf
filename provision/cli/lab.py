"""`provision lab`: real LXC guests of this machine, for Ansible, Molecule and rehearsals."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from provision.cli.choices import Json
from provision.models.lab import GpuFault, NodeFault

_GUEST_FAULTS, _NODE_FAULTS = ", ".join(get_args(GpuFault)), ", ".join(get_args(NodeFault))

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
    kind: Annotated[str, typer.Argument(help=f"none, or of a guest {_GUEST_FAULTS}; of the node {_NODE_FAULTS}")],
    machine: Annotated[str, typer.Option("--machine", help="the guest with the cards, or pve: the node")] = "engine",
) -> None:
    """Make simulated cards or the simulated node fail in one way, to see what finds it; 'none' heals them."""
    from provision.pipeline.lab import inject_fault

    inject_fault(name, machine, kind)
    print(f"{machine} of {name}: " + ("simulated parts healthy" if kind == "none" else f"simulated fault '{kind}'"))

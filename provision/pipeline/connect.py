"""`provision ssh` and `provision logs`: the ssh command that reaches a machine of a standing stack."""

from __future__ import annotations

from provision.errors import UsageError
from provision.models.inventory import Connection
from provision.models.node import NodeLogin
from provision.models.plan import Plan
from provision.pipeline.machines import current_connections
from provision.pipeline.options import Options, find_client, open_chosen_workspace
from provision.pipeline.planning import require_plan


def ssh_command(options: Options, machine: str, command: tuple[str, ...] = ()) -> list[str]:
    """argv of ssh to a machine of the standing stack."""
    return ssh_to(require_plan(open_chosen_workspace(options, find_client(options))), machine, command)


def ssh_to(plan: Plan, machine: str, command: tuple[str, ...] = ()) -> list[str]:
    """argv of ssh to a machine of the plan. Raises UsageError for an unknown machine, naming the known ones."""
    connections = {c.machine: c for c in current_connections(plan)}
    if machine not in connections:
        raise UsageError(
            f"there is no machine '{machine}'",
            where=f"the plan of '{plan.client}'",
            hint="the machines are: " + ", ".join(connections),
        )
    return [*ssh_argv(connections[machine]), *command]


def logs_command(options: Options, machine: str, *, lines: int, follow: bool, unit: str | None) -> list[str]:
    """argv that shows the machine's journal."""
    command = ["journalctl", "--no-pager", "--lines", str(lines)]
    if unit:
        command += ["--unit", unit]
    if follow:
        command.append("--follow")
    return ssh_command(options, machine, tuple(command))


def ssh_argv(connection: Connection | NodeLogin) -> list[str]:
    """argv of ssh that asks nothing and takes no host key it does not know."""
    arguments = ["ssh", "-p", str(connection.port), "-l", connection.user, "-o", "BatchMode=yes"]
    if connection.private_key:
        arguments += ["-i", connection.private_key, "-o", "IdentitiesOnly=yes"]
    if connection.known_hosts:
        arguments += ["-o", f"UserKnownHostsFile={connection.known_hosts}", "-o", "StrictHostKeyChecking=yes"]
    return [*arguments, str(connection.address)]

"""`provision down`: take the lab's machines away; the client's secrets, plan and receipts stay."""

from __future__ import annotations

from provision.errors import UsageError
from provision.lab import lab as labs
from provision.pipeline.options import Options, find_client, open_chosen_workspace
from provision.runner.leftovers import end_leftovers
from provision.runner.lock import hold_lock


def take_down(options: Options) -> str:
    """Destroy the client's lab; its name. Raises UsageError for a live stack: no data is deleted by a short word."""
    if not options.lab:
        raise UsageError(
            "down works on the lab alone",
            where="the command line",
            hint="add --lab; on Proxmox stop the guests there, their data is not ours to delete",
        )
    client = find_client(options)
    workspace = open_chosen_workspace(options, client)
    with hold_lock(workspace.lock_file):
        end_leftovers(workspace.folder)
        labs.destroy_lab(client)
    return client

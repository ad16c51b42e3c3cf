"""Is one of the plan's own guests locked?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import Check, Evidence, Problem


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    for guest in node.guests or ():
        if guest.lock is None or evidence.owner(guest) is None:
            continue
        tool, place = {"lxc": "pct", "qemu": "qm"}[guest.kind], f"guest {guest.id} '{guest.name}'"
        busy = [task for task in node.tasks or () if task.id == str(guest.id)]
        if busy:
            what = f"{place} is locked ({guest.lock}) by a task that runs: {busy[0].kind} of {busy[0].user}"
            hint = "wait until it has ended; the node's task list shows how far it is"
        elif node.tasks is None:
            what = f"{place} is locked ({guest.lock}); whether a task is at work on it is not known"
            hint = f"look at the node's task list; only if none is: {tool} unlock {guest.id}"
        else:
            what = f"{place} is locked ({guest.lock}), and no task of the node is at work on it: a stale lock"
            hint = f"see what the {guest.lock} task left (its log is in the task list), then {tool} unlock {guest.id}"
        yield Problem(what, hint, where=f"guest {guest.id}")


CHECK = Check(
    id="locks",
    asks="None of the plan's own guests is locked; a lock without a running task is called stale.",
    why="A locked guest can be neither started, stopped nor changed. doctor never releases a lock.",
    judge=judge,
)

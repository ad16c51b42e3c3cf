"""Is the container template the one that is pinned?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import Check, Evidence, Problem


def judge(evidence: Evidence) -> Iterator[Problem]:
    wanted, sums = evidence.wanted, evidence.node.template_sums
    if wanted is None or not any(machine.kind == "lxc" for machine in evidence.missing_guests):
        return
    if sums is None:
        yield evidence.unknown("template_sums", "whether the container template is the pinned one")
    elif sums.get(wanted.template, wanted.template_sha512) != wanted.template_sha512:
        yield Problem(
            f"the template {wanted.template} is not the pinned one: its sha512 is {sums[wanted.template][:16]}…, "
            f"pinned is {wanted.template_sha512[:16]}…",
            "remove it (it is damaged, or somebody changed it) and run again: the pinned one is uploaded",
            where="/var/lib/vz/template/cache",
        )


CHECK = Check(
    id="template_sum",
    asks="A template of the pinned name has the pinned sha512.",
    why="Everything in a guest rests on it; a half download has the right name too.",
    judge=judge,
)

"""Is the node's clock right?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import EVERYWHERE, Check, Evidence, Problem


def judge(evidence: Evidence) -> Iterator[Problem]:
    if evidence.node.clock_synchronised is None:
        yield evidence.unknown("clock_synchronised", "whether the clock is synchronised")
    elif not evidence.node.clock_synchronised:
        yield Problem(
            "the clock is not synchronised: certificates and package signatures may be refused",
            "systemctl status chrony on the node, and let it reach its time servers (UDP port 123)",
            where="timedatectl",
            severity="warning",
        )


CHECK = Check(
    id="clock",
    asks="`timedatectl` says NTPSynchronized=yes.",
    why="Containers have the node's clock; certificates are judged by it.",
    judge=judge,
    platforms=EVERYWHERE,
)

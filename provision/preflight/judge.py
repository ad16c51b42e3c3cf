"""Judge what a node said against the plan. Pure: the same observation gives the same findings."""

from __future__ import annotations

from collections.abc import Sequence

from provision.errors import ExitCode
from provision.models.node import NodeFinding, NodeObservation, WantedFiles
from provision.models.plan import Plan
from provision.preflight.check import Evidence
from provision.preflight.checks import CHECKS


def judge(
    plan: Plan, node: NodeObservation, *, mended: bool = False, wanted: WantedFiles | None = None
) -> tuple[NodeFinding, ...]:
    """All findings of all checks, in the order of the registry. Where Proxmox VE is missing on what should be
    its node, only that is said. Each check says for which platform it is.

    `mended`: what `up` mends itself is left out. `wanted`: what it would bring to the node.
    """
    evidence = Evidence(plan=plan, node=node, wanted=wanted)
    kind = evidence.platform
    asked = [
        check
        for check in CHECKS
        if kind in check.platforms
        and (kind == "host" or check.anywhere or node.pve is not None)
        and not (mended and check.mended and not evidence.leaves_driver)
    ]
    name = "node" if kind == "proxmox" else "host"
    return tuple(
        NodeFinding(
            check=check.id,
            severity=problem.severity,
            concerns=problem.concerns,
            what=problem.what,
            where=f"{name} {node.node}" + (f", {problem.where}" if problem.where else ""),
            hint=problem.hint,
        )
        for check in asked
        for problem in check.judge(evidence)
    )


def exit_code(findings: Sequence[NodeFinding]) -> ExitCode:
    """5 where the node must be changed, 4 where only the plan does not go with it, 0 where nothing blocks."""
    concerned = {finding.concerns for finding in findings if finding.severity == "error"}
    if "node" in concerned:
        return ExitCode.SETUP_BROKEN
    return ExitCode.PLAN_IMPOSSIBLE if concerned else ExitCode.OK

"""Is every service on the planned release?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation import ReleaseObservation
from provision.verify.evidence import Check, Evidence, Verdict, every_machine

_STEP = "provision up installs the planned release and switches to it"


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    told = evidence.machines[machine].releases
    seen = {item.service: item for item in told or ()}
    for service in evidence.plan.services:
        if service.machine != machine or service.release is None:
            continue
        folder = service.name.replace("_", "-")
        problem = _find_problem(folder, service.release, seen.get(folder))
        if told is None:
            step = "provision up configures the probe again"
            yield Verdict("failed", service.release, "not known: the probe did not look", step, folder)
        elif problem:
            yield Verdict("failed", service.release, problem, _STEP, folder)
        else:
            found = f"{service.release} (a stand-in of the lab)" if service.stand_in else service.release
            yield Verdict("passed", service.release, found, "", folder)


def _find_problem(folder: str, planned: str, found: ReleaseObservation | None) -> str | None:
    if found is None:
        return f"no release is current: the probe found no /opt/{folder}/current"
    if found.error:
        return f"no release is current: {found.error}"
    if found.current != planned:
        return f"/opt/{folder}/current points at {found.current}"
    return None


CHECK = Check(
    id="releases",
    title="Release",
    asks="The link /opt/<service>/current points at the planned release, and that release is there.",
    fails="An upgrade stopped half-way, or someone switched by hand.",
    targets=every_machine,
    judge=judge,
    needs=("machine_answers",),
)

"""Does the machine answer, and could its probe work?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.verify.evidence import Check, Evidence, Verdict, every_machine


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    expected = f"the probe answers from {evidence.planned(machine).address}"
    seen = evidence.machines.get(machine)
    if seen is None:
        why = f": {evidence.absent[machine]}" if machine in evidence.absent else ""
        yield Verdict(
            "failed",
            expected,
            f"no answer over ssh{why}",
            f"provision status tells which machines are reachable; start '{machine}', then run provision verify again",
        )
        return
    if seen.error:
        yield Verdict(
            "failed",
            expected,
            f"the probe could not work: {seen.error}",
            "provision up installs the probe and its configuration again",
        )
        return
    facts = seen.machine
    system = f"{facts.os}, kernel {facts.kernel}, " if facts and facts.os else ""
    stand_in = evidence.plan.target == "lab" and evidence.planned(machine).kind == "vm"
    note = " (a container that stands in for a VM)" if stand_in else ""
    yield Verdict("passed", expected, f"{system}probed in {seen.duration_s:.1f} s{note}", seconds=seen.duration_s)


CHECK = Check(
    id="machine_answers",
    title="Machine answers",
    asks="Every planned machine answers over ssh and its probe prints a whole document.",
    fails="The guest is stopped, the network is down, or the probe is not installed.",
    targets=every_machine,
    judge=judge,
)

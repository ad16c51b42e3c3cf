"""Can a service's user reach the world? It must not: prompts and documents stay in the house."""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation import EgressOutcome
from provision.verify.evidence import Check, Evidence, Verdict, every_machine

REACHED = frozenset({"connected", "refused"})
"""Both are answers of the other side: the packets went out and something came back."""


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    expected = "no connection to the outside for any service's user"
    seen = evidence.machines[machine].egress
    if not seen:
        yield Verdict("failed", expected, "not tried by the probe", "provision up configures the probe again")
        return
    leaks = [item for item in seen if item.outcome in REACHED]
    broken = [item for item in seen if item.outcome == "error"]
    if leaks:
        step = f"'provision ssh {machine} -- nft list chain inet provision output' shows the rules"
        yield Verdict("failed", expected, "; ".join(_name(item) for item in leaks), step)
    elif broken:
        text = "; ".join(f"{_name(item)}: {item.error}" for item in broken)
        yield Verdict("failed", expected, f"could not be tried: {text}", f"provision logs {machine}")
    else:
        yield Verdict("passed", expected, "; ".join(_name(item) for item in seen))


def _name(item: EgressOutcome) -> str:
    return f"{item.user} to {item.host}:{item.port} {item.outcome}"


CHECK = Check(
    id="no_egress",
    title="Nothing leaves the house",
    asks="A process of each service's user tries to open a connection to the outside and gets none.",
    fails="The firewall's output chain is not loaded.",
    targets=every_machine,
    judge=judge,
    needs=("machine_answers",),
)

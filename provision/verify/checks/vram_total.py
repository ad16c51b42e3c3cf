"""Has every card the memory that the plan counts on?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.verify.evidence import Check, Evidence, Verdict, machines_with_cards
from provision.verify.next_step import with_lab
from provision.verify.vram import find_device

TOTAL_TOLERANCE_SHARE = 0.01
"""NVML's total differs by a MiB between drivers (4090: 24563 and 24564 seen); ECC takes 6.25 %, another card far
more."""


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    for card in evidence.cards(machine):
        device = find_device(evidence.gpu(machine), card)
        simulated = evidence.simulated(machine)
        expected = f"{card.memory_mib} MiB (± {TOTAL_TOLERANCE_SHARE:.0%})"
        about = f"card {card.index}"
        if device is None or device.memory is None:
            reason = (
                "; ".join(f"{name}: {text}" for name, text in device.errors.items()) if device else "card not visible"
            )
            step = with_lab("on the host run nvidia-smi -q and look for errors of this card", evidence, machine)
            yield Verdict("failed", expected, f"memory not readable: {reason}", step, about, simulated)
            continue
        total = device.memory.total_mib
        if abs(total - card.memory_mib) <= card.memory_mib * TOTAL_TOLERANCE_SHARE:
            yield Verdict("passed", expected, f"{total} MiB", "", about, simulated)
        else:
            step = "correct the model or vram of hardware.gpus in the profile; ECC (nvidia-smi -e 0) takes 6.25 %"
            yield Verdict("failed", expected, f"{total} MiB", with_lab(step, evidence, machine), about, simulated)


CHECK = Check(
    id="vram_total",
    title="Memory of the card",
    asks="NVML's total of every card is what the plan counts on, within 1 %.",
    fails="Another card than the profile says, or ECC is on.",
    targets=machines_with_cards,
    judge=judge,
    needs=("machine_answers", "driver_match", "gpu_visible"),
)

"""Does NVML in the machine show exactly the planned cards?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.models.observation import GpuDevice, GpuObservation
from provision.models.plan import Card
from provision.verify.evidence import Check, Evidence, Verdict, machines_with_cards, name_card
from provision.verify.next_step import with_lab
from provision.verify.vram import find_device


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    cards = evidence.cards(machine)
    simulated = evidence.simulated(machine)
    expected = f"{len(cards)} cards: " + ", ".join(name_card(card) for card in cards)
    gpu = evidence.gpu(machine)
    problem = _find_problem(machine, cards, gpu)
    if problem is None and gpu is not None:
        yield Verdict("passed", expected, _list(gpu.devices), simulated=simulated)
    elif problem is not None:
        measured, step = problem
        yield Verdict("failed", expected, measured, with_lab(step, evidence, machine), simulated=simulated)


def _find_problem(machine: str, cards: Sequence[Card], gpu: GpuObservation | None) -> tuple[str, str] | None:
    """What is wrong and the next step, or None."""
    if gpu is None:
        return "the probe did not look at the cards", "provision up configures the probe again"
    if not gpu.nvml.ok:
        return _nvml_problem(machine, gpu)
    if gpu.simulated and not all(card.simulated for card in cards):
        return (
            f"the driver answering is simulated ({gpu.driver_version}), but real cards are planned",
            f"remove the simulated libnvidia-ml.so.1 from '{machine}' and install the real driver",
        )
    missing = [card for card in cards if find_device(gpu, card) is None]
    if missing:
        names = ", ".join(name_card(card) for card in missing)
        return (
            f"card missing: {names}; visible: {_list(gpu.devices)}",
            "on the host compare nvidia-smi -L with the guest's dev entries; look for 'fallen off the bus' (Xid 79) "
            "in the host's dmesg, reseat the card or its power cable",
        )
    wrong = [(card, device) for card in cards if (device := find_device(gpu, card)) and device.name != card.nvml_name]
    if wrong:
        text = ", ".join(f"card {card.index} is {device.name}, not {card.nvml_name}" for card, device in wrong)
        return text, "correct hardware.gpus in the profile, then run provision plan"
    if len(gpu.devices) > len(cards):
        return (
            f"{len(gpu.devices) - len(cards)} more than planned: {_list(gpu.devices)}",
            "correct the count in hardware.gpus of the profile, then run provision plan",
        )
    return None


def _nvml_problem(machine: str, gpu: GpuObservation) -> tuple[str, str]:
    text = gpu.nvml.text or gpu.error or "no reason given"
    if gpu.nvml.code is None:
        return f"NVML does not load: {text}", f"install the driver's user-space libraries in '{machine}': provision up"
    return (
        f"NVML does not start: {text} (error {gpu.nvml.code})",
        f"on the host run nvidia-smi, then check that /dev/nvidiactl and /dev/nvidia0 are passed to '{machine}'",
    )


def _list(devices: Sequence[GpuDevice]) -> str:
    names = ", ".join(f"{device.index} {device.name} ({device.uuid})" for device in devices)
    return f"{len(devices)} visible: {names}" if devices else "none"


CHECK = Check(
    id="gpu_visible",
    title="Graphics cards visible",
    asks="NVML lists exactly the planned cards, by UUID where the plan knows it, else by index, and by name.",
    fails="A card fell off the bus, is not passed through, or the profile does not describe this machine.",
    targets=machines_with_cards,
    judge=judge,
    needs=("machine_answers", "driver_match"),
)

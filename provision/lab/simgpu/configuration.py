"""The text of /etc/provision-simgpu.conf: which cards a guest has and what is wrong with them. Pure.

config.c reads it; both are strict, so that a mistake shows as a driver that does not start and not as a wrong number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from provision.errors import SetupError
from provision.models.base import Frozen
from provision.models.lab import GpuFault, SimulatedGpu

MARK = "-simulated"
MAX_CARDS = 16
# An RTX 4090 has 24564 MiB by NVML and 24080 MiB by CUDA (shared/research/vram.md); every simulated card does so.
RESERVED_MIB = 484
# An idle RTX 4090 as nvidia-smi 550.163 shows it: 29 C, 22 W of 450 W (github.com/RLinf/RLinf issue 255).
IDLE_TEMPERATURE_C = 29
IDLE_POWER_MW = 22_000
# Of a card that is not listed the library says "not supported".
POWER_LIMIT_MW = {"NVIDIA GeForce RTX 4090": 450_000}
# CUDA release that a driver branch brings, as `nvidia-smi` shows it; of another branch the library says nothing.
CUDA_OF_BRANCH = {"535": 12020, "550": 12040, "570": 12080, "580": 13000}
# What `vram-held` takes where no amount is given, MiB.
HELD_MIB = 8192
# The kernel module that an unattended upgrade of the user-space libraries leaves behind.
MISMATCHED_MODULE = "570.148.08"

_VERSION = re.compile(r"^\d{3}\.\d{2,3}(\.\d{2,3})?$")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9 ()./+-]{0,90}$")
_UUID = re.compile(r"^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_PCI = re.compile(r"^[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.0$")


class FaultRequest(Frozen):
    """One fault: `card` for card-missing (default: the last) and vram-held (default: the first); `held_mib` for the
    latter; `module` is the kernel module's version under driver-mismatch."""

    name: GpuFault
    card: int | None = None
    held_mib: int = HELD_MIB
    module: str = MISMATCHED_MODULE


def render_config(gpus: Sequence[SimulatedGpu], driver_version: str, faults: Sequence[FaultRequest] = ()) -> str:
    """The whole file. `driver_version` is the real one to be like ('580.126.18'); it is written with '-simulated'.

    Raises SetupError for cards and faults that the simulation could not report truthfully.
    """
    _check(gpus, driver_version)
    cuda = CUDA_OF_BRANCH.get(driver_version.partition(".")[0])
    lines = ["# Simulated cards of a lab guest, written by provision.", f"driver_version {driver_version}{MARK}"]
    lines += [f"cuda_version {cuda}"] if cuda else []
    for index, gpu in enumerate(gpus):
        lines += _card_lines(index, gpu)
    lines += [f"fault {_fault_text(fault, len(gpus))}" for fault in faults]
    return "\n".join(lines) + "\n"


def render_module_version(driver_version: str, faults: Sequence[FaultRequest] = ()) -> str:
    """What stands in for /proc/driver/nvidia/version, in the form of NVIDIA's open kernel module."""
    loaded = next((fault.module for fault in faults if fault.name == "driver-mismatch"), driver_version)
    return f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {loaded}{MARK}  (simulated)\n"


def _check(gpus: Sequence[SimulatedGpu], driver_version: str) -> None:
    bad = next((gpu for gpu in gpus if not _is_plain(gpu)), None)
    if bad is not None:
        raise _refuse(f"the simulated card {bad.index} ({bad.name!r}, {bad.uuid!r}, {bad.pci_address!r}) is malformed")
    if len({gpu.uuid for gpu in gpus}) < len(gpus) or len({gpu.pci_address for gpu in gpus}) < len(gpus):
        raise _refuse("two simulated cards share a UUID or a PCI address")
    if len(gpus) > MAX_CARDS:
        raise _refuse(f"{len(gpus)} simulated cards are more than {MAX_CARDS}")
    if [gpu.index for gpu in gpus] != list(range(len(gpus))):
        raise _refuse("the simulated cards are not numbered from 0 in order")
    if not _VERSION.fullmatch(driver_version):
        raise _refuse(f"'{driver_version}' is no NVIDIA driver version")


def _is_plain(gpu: SimulatedGpu) -> bool:
    known = _NAME.fullmatch(gpu.name) and _UUID.fullmatch(gpu.uuid) and _PCI.fullmatch(gpu.pci_address)
    return bool(known) and RESERVED_MIB < gpu.memory_mib <= 2**24


def _card_lines(index: int, gpu: SimulatedGpu) -> list[str]:
    limit = POWER_LIMIT_MW.get(gpu.name)
    return [
        f"card {index}",
        f"name {gpu.name}",
        f"uuid {gpu.uuid}",
        f"pci {gpu.pci_address}",
        f"memory_mib {gpu.memory_mib}",
        f"reserved_mib {RESERVED_MIB}",
        f"temperature_c {IDLE_TEMPERATURE_C}",
        f"power_mw {IDLE_POWER_MW}",
        *([f"power_limit_mw {limit}"] if limit else []),
    ]


def _fault_text(fault: FaultRequest, cards: int) -> str:
    default = cards - 1 if fault.name == "card-missing" else 0
    card = default if fault.card is None else fault.card
    if fault.name in ("card-missing", "vram-held") and not 0 <= card < cards:
        raise _refuse(f"the fault {fault.name} names card {card}, and the guest has {cards}")
    if fault.name == "wrong-card" and cards < 2:
        raise _refuse(f"the fault wrong-card needs two cards, and the guest has {cards}")
    if fault.name == "driver-mismatch" and not _VERSION.fullmatch(fault.module):
        raise _refuse(f"'{fault.module}' is no NVIDIA driver version")
    if fault.name == "card-missing":
        return f"card-missing {card}"
    if fault.name == "vram-held":
        return f"vram-held {card} {fault.held_mib}"
    return fault.name


def _refuse(what: str) -> SetupError:
    return SetupError(what, where="the lab's simulated cards", hint="give other cards, or another fault")

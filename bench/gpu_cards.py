"""What is in use on each card by NVML, or by a process in the host's memory. MiB throughout.

NVML is read by the probe's own code, so that this check and `verify` see the same numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from provision.errors import SetupError
from provision.models.base import Frozen

_PROBE = Path(__file__).resolve().parents[1] / "roles" / "probe" / "files"
HOST = "host"
"""The key under which memory is told where there is no card."""

Meter = Callable[[int | None], dict[str, float]]
"""MiB in use by card's UUID (by `HOST` without cards); the argument is the server's process, None before it starts."""


class Device(Frozen):
    """A card. The link is the best that card and slot reach together: at rest it is slower."""

    index: int
    name: str
    uuid: str
    memory_mib: int
    used_mib: int
    architecture: str
    """As CMAKE_CUDA_ARCHITECTURES has it: "89-real"."""
    pcie_generation: int | None
    pcie_lanes: int | None


def probe_part(name: str) -> Any:
    """A module of the probe, which runs on targets and is no package of ours."""
    if str(_PROBE) not in sys.path:
        sys.path.insert(0, str(_PROBE))
    return import_module(f"probe_parts.{name}")


def read_devices() -> tuple[str, tuple[Device, ...]]:
    """The driver's version, and the cards. Raises SetupError where NVML shows none, or simulated ones."""
    import pynvml  # the machines that run `--cpu` need no driver

    seen = _ask_nvml()
    problem = seen["nvml"]["text"] or seen["error"] or ("" if seen["devices"] else "it lists no card")
    driver = str(seen["driver_version"])
    if driver.endswith(probe_part("cards").SIMULATED):
        problem = f"the driver {driver} is simulated"
    if problem:
        raise SetupError(
            f"no NVIDIA card to measure: {problem}",
            where="NVML (libnvidia-ml.so.1)",
            hint="run it where nvidia-smi lists a card, or with --cpu, which measures no card",
        )
    pynvml.nvmlInit()  # stays open: a driver without persistence takes its time for each first opening
    return driver, tuple(_describe(pynvml, device) for device in seen["devices"])


def read_nvml(_process: int | None) -> dict[str, float]:
    """Memory in use on each card, whoever uses it."""
    return {device["uuid"]: float(device["memory"]["used_mib"]) for device in _ask_nvml()["devices"]}


def read_resident(process: int | None) -> dict[str, float]:
    """Resident memory of the process, the pages of the mapped file that it touched among it."""
    if process is None:
        return {HOST: 0.0}
    try:
        text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return {HOST: 0.0}
    lines = [line.split() for line in text.splitlines() if line.startswith("VmRSS:")]
    return {HOST: int(lines[0][1]) / 1024 if lines else 0.0}


def _ask_nvml() -> dict[str, Any]:
    import pynvml

    seen: dict[str, Any] = {"devices": [], "driver_version": None, "error": None}
    probe_part("cards").read_nvml(pynvml, seen)
    return seen


def _describe(pynvml: Any, seen: dict[str, Any]) -> Device:
    handle = pynvml.nvmlDeviceGetHandleByUUID(seen["uuid"])
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    read = probe_part("cards").Reader(pynvml, {})
    return Device(
        index=seen["index"],
        name=seen["name"],
        uuid=seen["uuid"],
        memory_mib=seen["memory"]["total_mib"],
        used_mib=seen["memory"]["used_mib"],
        architecture=f"{major}{minor}-real",
        pcie_generation=read("generation", pynvml.nvmlDeviceGetMaxPcieLinkGeneration, handle),
        pcie_lanes=read("lanes", pynvml.nvmlDeviceGetMaxPcieLinkWidth, handle),
    )

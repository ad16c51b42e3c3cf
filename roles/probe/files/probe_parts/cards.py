"""Cards by NVML, and how much of each is in use."""

from __future__ import annotations

import time
from typing import Any, Callable  # noqa: UP035 (Python 3.9)

from probe_parts.commands import call_self
from probe_parts.driver import list_device_nodes, observe_cuda, read_kernel_module
from probe_parts.told import MIB, Json, describe, now, read_boot_id

SIMULATED = "-simulated"
GPU_TIMEOUT_S = 40


def observe_gpu_apart() -> Json:
    """In a process of its own: a driver that hangs must not take the rest of the document with it."""
    answer, error = call_self(["--only", "gpu"], GPU_TIMEOUT_S)
    if answer is not None:
        return answer
    return {"nvml": {"ok": False, "code": None, "text": None}, "simulated": False, "error": f"the cards: {error}"}


def observe_gpu() -> Json:
    gpu: Json = {"nvml": {"ok": False, "code": None, "text": None}, "simulated": False, "devices": [], "error": None}
    gpu.update(driver_version=None, nvml_version=None, cuda_driver_version=None)
    try:
        import pynvml
    except ImportError as error:
        gpu["nvml"]["text"] = f"pynvml.py is not beside the probe: {error}"
    else:
        try:
            read_nvml(pynvml, gpu)
        except Exception as error:
            gpu["error"] = describe(error)
    gpu.update(read_kernel_module())
    gpu["cuda"] = observe_cuda()
    gpu["device_nodes"] = list_device_nodes()
    gpu["simulated"] = (
        str(gpu["driver_version"]).endswith(SIMULATED)
        or gpu["kernel_module_source"] == "simulated"
        or str(gpu["nvml"]["text"]).endswith("(simulated)")
    )
    return gpu


def read_nvml(pynvml: Any, gpu: Json) -> None:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        gpu["nvml"] = {"ok": False, "code": error.value, "text": nvml_text(pynvml, error)}
        return
    gpu["nvml"] = {"ok": True, "code": 0, "text": None}
    errors: dict[str, str] = {}
    read = Reader(pynvml, errors)
    gpu["driver_version"] = read("driver version", pynvml.nvmlSystemGetDriverVersion)
    gpu["nvml_version"] = read("NVML version", pynvml.nvmlSystemGetNVMLVersion)
    cuda = read("CUDA version", pynvml.nvmlSystemGetCudaDriverVersion)
    gpu["cuda_driver_version"] = f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None
    count = read("device count", pynvml.nvmlDeviceGetCount) or 0
    gpu["devices"] = [read_device(pynvml, index) for index in range(count)]
    gpu["error"] = "; ".join(f"{what}: {text}" for what, text in errors.items()) or None
    pynvml.nvmlShutdown()


class Reader:
    """Asks NVML one thing; a refusal becomes a text under the thing's name, and the answer None."""

    def __init__(self, pynvml: Any, errors: dict[str, str]) -> None:
        self.pynvml = pynvml
        self.errors = errors

    def __call__(self, what: str, ask: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return ask(*arguments)
        except self.pynvml.NVMLError as error:
            self.errors[what] = nvml_text(self.pynvml, error)
            return None


def nvml_text(pynvml: Any, error: Any) -> str:
    """NVML's own text for its code; pynvml's where the library did not load or has none."""
    try:
        return str(pynvml.nvmlErrorString(error.value))
    except pynvml.NVMLError:
        return str(error)


def read_device(pynvml: Any, index: int) -> Json:
    errors: dict[str, str] = {}
    read = Reader(pynvml, errors)
    device: Json = {"index": index, "errors": errors}
    handle = read("handle", pynvml.nvmlDeviceGetHandleByIndex, index)
    if handle is None:
        return device
    pci = read("pci", pynvml.nvmlDeviceGetPciInfo, handle)
    power = read("power", pynvml.nvmlDeviceGetPowerUsage, handle)
    limit = read("power limit", pynvml.nvmlDeviceGetPowerManagementLimit, handle)
    rates = read("utilization", pynvml.nvmlDeviceGetUtilizationRates, handle)
    device["name"] = read("name", pynvml.nvmlDeviceGetName, handle)
    device["uuid"] = read("uuid", pynvml.nvmlDeviceGetUUID, handle)
    device["pci"] = as_text(pci.busId) if pci else None
    device["memory"] = read_memory(pynvml, handle, read)
    device["power_w"] = power / 1000 if power is not None else None
    device["power_limit_w"] = limit / 1000 if limit is not None else None
    device["temperature_c"] = read("temperature", pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU)
    device["utilization_percent"] = rates.gpu if rates else None
    return device


def read_memory(pynvml: Any, handle: Any, read: Reader) -> Json | None:
    """Version 2 tells reserved memory apart. A driver before 510 has version 1 alone, where it counts as used."""
    memory = read("memory", pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2)
    reserved = memory.reserved if memory else 0
    if memory is None:
        memory = read("memory version 1", pynvml.nvmlDeviceGetMemoryInfo, handle)
    if memory is None:
        return None
    sizes = {"total": memory.total, "used": memory.used, "free": memory.free, "reserved": reserved}
    return {f"{name}_mib": size // MIB for name, size in sizes.items()}


def as_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def observe_gpu_before() -> Json:
    """What `vram_before` later reads back: the cards, and when they were so."""
    return {
        "format": 1,
        "taken_at": now(),
        "boot_id": read_boot_id(),
        "monotonic_us": time.monotonic_ns() // 1000,
        "gpu": observe_gpu(),
    }

"""The driver beside NVML: kernel module, cuInit, device nodes."""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path

from probe_parts.commands import call_self
from probe_parts.told import Json, describe

KERNEL_MODULE = Path("/proc/driver/nvidia/version")
# Exists in lab guests only: nothing but the kernel can write the file above. The variable is for tests.
SIMULATED_MODULE = Path(os.environ.get("PROVISION_PROBE_SIMULATED_MODULE", "/etc/provision-simgpu-module-version"))
CUDA_TIMEOUT_S = 20


def read_kernel_module() -> Json:
    simulated = SIMULATED_MODULE.exists()
    path = SIMULATED_MODULE if simulated else KERNEL_MODULE
    found: Json = {"kernel_module_version": None, "kernel_module_source": None, "kernel_module_error": None}
    try:
        found["kernel_module_version"] = parse_kernel_module(path.read_text(encoding="utf-8"))
        found["kernel_module_source"] = "simulated" if simulated else "proc"
    except (OSError, ValueError) as error:
        found["kernel_module_error"] = describe(error)
    return found


def parse_kernel_module(text: str) -> str:
    """'... UNIX x86_64 Kernel Module  550.54.14 ...' or '... UNIX Open Kernel Module for x86_64  590.48.01 ...'."""
    match = re.search(r"Kernel Module\s+(?:for\s+\S+\s+)?(\d+\.\d+(?:\.\d+)?(?:-simulated)?)(?:\s|$)", text)
    if match is None:
        raise ValueError(f"no kernel module version in: {text.strip()[:200]}")
    return match[1]


def observe_cuda() -> Json:
    """cuInit in a process of its own, that may hang or crash, and that sees every card."""
    environment = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    answer, error = call_self(["--cuda-init"], CUDA_TIMEOUT_S, environment)
    return answer if answer is not None else {"ok": False, "code": None, "text": error, "device_count": None}


def init_cuda() -> Json:
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return {"ok": False, "code": None, "text": str(error), "device_count": None}
    code, count = cuda.cuInit(0), ctypes.c_int(-1)
    text = ctypes.c_char_p()
    named = cuda.cuGetErrorString(code, ctypes.byref(text)) == 0 and text.value
    if code == 0:
        code = cuda.cuDeviceGetCount(ctypes.byref(count))
    return {
        "ok": code == 0,
        "code": code,
        "text": text.value.decode() if named and text.value else f"CUDA error {code}",
        "device_count": count.value if code == 0 else None,
    }


def list_device_nodes() -> list[Json]:
    nodes = []
    for path in sorted(Path("/dev").glob("nvidia*")):
        status = path.lstat()
        if path.is_char_device():
            mode = f"{status.st_mode & 0o7777:04o}"
            nodes.append({"path": str(path), "mode": mode, "uid": status.st_uid, "gid": status.st_gid})
    return nodes

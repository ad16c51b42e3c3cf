"""Can CUDA start? nvidia-smi working proves nothing: cuInit needs /dev/nvidia-uvm as well.

The signature failure of GPUs in LXC: device listing works, cuInit returns 999, and the engine silently runs on the CPU
(community-scripts/ProxmoxVE#5740, ollama#17069).
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation import GpuObservation
from provision.verify.evidence import Check, Evidence, Verdict, machines_with_cards
from provision.verify.next_step import with_lab

CUDA_ERROR_UNKNOWN = 999
UVM_NODE = "/dev/nvidia-uvm"


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    count = len(evidence.cards(machine))
    expected = f"cuInit(0) succeeds and sees {count} devices"
    simulated = evidence.simulated(machine)
    gpu = evidence.gpu(machine)
    cuda = gpu.cuda if gpu else None
    if gpu is None or cuda is None:
        yield Verdict(
            "failed", expected, "cuInit was not called", "provision up configures the probe again", simulated=simulated
        )
    elif cuda.ok and cuda.device_count == count:
        yield Verdict("passed", expected, f"cuInit(0) = 0, {cuda.device_count} devices", simulated=simulated)
    else:
        measured, step = _explain(machine, gpu, count)
        yield Verdict("failed", expected, measured, with_lab(step, evidence, machine), simulated=simulated)


def _explain(machine: str, gpu: GpuObservation, count: int) -> tuple[str, str]:
    cuda = gpu.cuda
    assert cuda is not None  # noqa: S101 - the caller has looked
    if cuda.ok:
        return (
            f"CUDA sees {cuda.device_count} of {count} devices",
            f"compare nvidia-smi -L in '{machine}' with the plan; look for Xid errors in the host's dmesg",
        )
    if cuda.code is None:
        return (
            f"libcuda.so.1 does not load: {cuda.text or 'no reason given'}",
            f"install the driver's user-space libraries in '{machine}': provision up",
        )
    said = f"cuInit(0) = {cuda.code} ({cuda.text or 'no text'})"
    if cuda.code != CUDA_ERROR_UNKNOWN or not gpu.devices:
        return said, "on the host run nvidia-smi and look for NVRM and Xid lines in dmesg"
    lists = f"{said} although NVML lists {len(gpu.devices)} cards"
    node = next((node for node in gpu.device_nodes if node.path == UVM_NODE), None)
    if node is None:
        return (
            f"{lists}: {UVM_NODE} is missing in '{machine}', so every model would silently run on the CPU",
            f"on the host run 'nvidia-modprobe -u -c 0', pass {UVM_NODE} and {UVM_NODE}-tools to the guest, restart it",
        )
    return (
        f"{lists}: {UVM_NODE} is there (mode {node.mode}, {node.uid}:{node.gid}) but leads to no driver, "
        "so every model would silently run on the CPU",
        f"on the host run 'nvidia-modprobe -u -c 0' and pass {UVM_NODE} again, since its major number changes with "
        "every kernel; restart the guest; else 'rmmod nvidia_uvm && modprobe nvidia_uvm' on the host",
    )


CHECK = Check(
    id="cuda_init",
    title="CUDA starts",
    asks="cuInit(0) returns 0 in the machine and counts the planned devices.",
    fails="/dev/nvidia-uvm is missing or has another major number (999): models would run on the CPU unnoticed.",
    targets=machines_with_cards,
    judge=judge,
    needs=("machine_answers", "driver_match", "gpu_visible"),
)

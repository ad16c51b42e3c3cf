"""Do the NVIDIA library in the machine and the kernel module of the host have the same version?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation import GpuObservation
from provision.verify.evidence import Check, Evidence, Verdict, machines_with_cards
from provision.verify.next_step import with_lab

NVML_DRIVER_MISMATCH = 18
"""NVML_ERROR_LIB_RM_VERSION_MISMATCH in nvml.h."""
_SUFFIX = "-simulated"


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    expected = "the same driver version in the machine and in the host's kernel"
    gpu = evidence.gpu(machine)
    simulated = evidence.simulated(machine)
    if gpu is None or (not gpu.nvml.ok and gpu.nvml.code != NVML_DRIVER_MISMATCH):
        yield Verdict("skipped", expected, "NVML did not start: see gpu_visible", simulated=simulated)
        return
    library, module = _plain(gpu.driver_version), _plain(gpu.kernel_module_version)
    if gpu.nvml.code == NVML_DRIVER_MISMATCH or (library and module and library != module):
        yield Verdict("failed", expected, _mismatch(gpu), _hint(evidence, machine, gpu), simulated=simulated)
        return
    measured = f"library {gpu.driver_version}, kernel module {gpu.kernel_module_version or 'accepted by NVML'}"
    yield Verdict("passed", expected, measured, simulated=simulated)


def _plain(version: str | None) -> str | None:
    return None if version is None else version.removesuffix(_SUFFIX)


def _mismatch(gpu: GpuObservation) -> str:
    code = f" (NVML error {gpu.nvml.code})" if gpu.nvml.code else ""
    library = f"library {gpu.driver_version}" if gpu.driver_version else "the library in the machine"
    return (
        f"driver/library mismatch{code}: {library}, kernel module {gpu.kernel_module_version or 'of another version'}"
    )


def _hint(evidence: Evidence, machine: str, gpu: GpuObservation) -> str:
    version = _plain(gpu.kernel_module_version)
    wanted = f"version {version}" if version else "the host's version (cat /proc/driver/nvidia/version)"
    step = f"install {wanted} of the user-space driver in '{machine}' and hold it, or reboot the host after its upgrade"
    return with_lab(step, evidence, machine)


CHECK = Check(
    id="driver_match",
    title="Driver and kernel module match",
    asks="The user-space driver's version equals the loaded kernel module's.",
    fails="An unattended upgrade changed one side: NVML error 18, driver/library mismatch.",
    targets=machines_with_cards,
    judge=judge,
    needs=("machine_answers",),
)

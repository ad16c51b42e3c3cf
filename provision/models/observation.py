"""What a machine said of itself: exactly the JSON document that `provision_probe.py` prints.

A section that was not asked for is None. A section that was asked for and failed carries its own `error`; nothing
is filled in. Memory in MiB, times in seconds or milliseconds as named, speeds in tokens/s. The judge reads this and
nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from provision.models.base import Frozen


class Observed(Frozen):
    """Types are not converted: a number in quotes is an error of the probe, not a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class MachineFacts(Observed):
    hostname: str | None = None
    kernel: str | None = None
    os: str | None = None
    """PRETTY_NAME of os-release."""
    boot_id: str | None = None
    uptime_s: float | None = None
    error: str | None = None


class NvmlOutcome(Observed):
    """How `nvmlInit` ended. `code` is NVML's (9: no driver, 12: no library, 18: driver/library mismatch).

    None where it was not asked: pynvml is missing, or the driver did not answer in time.
    """

    ok: bool
    code: int | None = None
    text: str | None = None


class CardMemory(Observed):
    """As `nvmlDeviceGetMemoryInfo_v2` counts, MiB: used excludes reserved; total = used + free + reserved."""

    total_mib: int
    used_mib: int
    free_mib: int
    reserved_mib: int


class GpuDevice(Observed):
    """One card. `errors` names each value that could not be read, with NVML's own text."""

    index: int
    name: str | None = None
    uuid: str | None = None
    pci: str | None = None
    memory: CardMemory | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    temperature_c: int | None = None
    utilization_percent: int | None = None
    errors: dict[str, str] = Field(default_factory=dict)


class CudaOutcome(Observed):
    """`cuInit(0)` and the device count after it, called in a child process with no CUDA_VISIBLE_DEVICES.

    `code` is CUDA's (999: unknown, as with a missing uvm node); None where libcuda.so.1 did not load.
    """

    ok: bool
    code: int | None = None
    text: str | None = None
    device_count: int | None = None


class DeviceNode(Observed):
    """A /dev/nvidia* node as this machine sees it; mode in octal ('0660')."""

    path: str
    mode: str
    uid: int
    gid: int


class GpuObservation(Observed):
    nvml: NvmlOutcome
    simulated: bool
    """True where the driver version ends in '-simulated' (or the simulation's module text is what was read)."""
    driver_version: str | None = None
    """Of the user-space library."""
    nvml_version: str | None = None
    cuda_driver_version: str | None = None
    kernel_module_version: str | None = None
    kernel_module_source: Literal["proc", "simulated"] | None = None
    kernel_module_error: str | None = None
    devices: tuple[GpuDevice, ...] = ()
    cuda: CudaOutcome | None = None
    device_nodes: tuple[DeviceNode, ...] = ()
    error: str | None = None


class VramBefore(Observed):
    """The cards just before an engine loaded, as its unit's ExecStartPre wrote it."""

    engine: str
    path: str
    taken_at: datetime | None = None
    boot_id: str | None = None
    monotonic_us: int | None = None
    """CLOCK_MONOTONIC when written: comparable with a unit's `exec_main_start_monotonic_us` within one boot."""
    gpu: GpuObservation | None = None
    error: str | None = None


class UnitObservation(Observed):
    """As `systemctl show` says. Two observations of one boot show no restart if pid and start are the same."""

    name: str
    load_state: str | None = None
    active_state: str | None = None
    sub_state: str | None = None
    result: str | None = None
    unit_file_state: str | None = None
    main_pid: int | None = None
    user: str | None = None
    """As the unit says (`User=`), root where it says none."""
    process_user: str | None = None
    """Effective user of the process `main_pid`; a server may start as root and give it up."""
    restarts: int | None = None
    active_enter_monotonic_us: int | None = None
    active_enter_unix_s: int | None = None
    exec_main_start_monotonic_us: int | None = None
    exec_main_start_unix_s: int | None = None
    config_changed_unix_s: int | None = None
    """Newest change of a file that the running process must have read: the unit file, its drop-ins, the release link
    that it starts from, its own files under /etc. A file that the unit writes itself does not count."""
    config_changed_path: str | None = None
    """That file."""
    config_read_unix_s: int | None = None
    """When it last read its configuration: its start, or a later successful reload. Whole seconds, as the change."""
    memory_mib: int | None = None
    """Of the unit's control group, where the kernel counts it."""
    error: str | None = None


class ReleaseObservation(Observed):
    """What /opt/<service>/current points at. `error`: no link, or nothing is there."""

    service: str
    """Name of the folder under /opt."""
    current: str | None = None
    error: str | None = None


class Listener(Observed):
    """One listening TCP socket or unconnected UDP socket. '0.0.0.0' and '::' are all addresses."""

    protocol: Literal["tcp", "udp"]
    address: str
    port: int
    pid: int | None = None
    process: str | None = None
    unit: str | None = None


class ListenersObservation(Observed):
    sockets: tuple[Listener, ...] = ()
    error: str | None = None


class HttpOutcome(Observed):
    """`ok`: an answer came, and with the expected status. `status` None: no HTTP answer, `error` says why."""

    name: str
    url: str
    expected_status: int
    ok: bool
    status: int | None = None
    latency_ms: float | None = None
    error: str | None = None


class EngineBuffer(Observed):
    """One memory line that llama.cpp logged while loading, e.g. 'CUDA0 KV buffer size = 640.00 MiB'."""

    device: str
    """'CUDA0', 'CPU', 'CPU_Mapped', 'CUDA_Host', ..."""
    kind: Literal["model", "kv", "compute", "output", "recurrent"]
    mib: float


class EngineLoad(Observed):
    """What the engine logged since its current start. Empty buffers without error: it logs them at `-lv 4` only."""

    buffers: tuple[EngineBuffer, ...] = ()
    layers_offloaded: int | None = None
    layers_total: int | None = None
    error: str | None = None


class EngineProps(Observed):
    """From /props and /v1/models."""

    model_path: str | None = None
    model_ids: tuple[str, ...] = ()
    context_tokens: int | None = None
    """Per slot, as /props reports n_ctx."""
    slots: int | None = None
    size_mib: int | None = None
    """Of a model of Ollama: all of its buffers, from /api/ps."""
    size_vram_mib: int | None = None
    """Those of them that are on cards."""
    build: str | None = None
    error: str | None = None


class EngineProcess(Observed):
    """The running process itself, from /proc."""

    pid: int | None = None
    user: str | None = None
    cuda_visible_devices: str | None = None
    """As the process really has it; None with no error: it is not set."""
    arguments: tuple[str, ...] = ()
    rss_mib: int | None = None
    rss_file_mib: int | None = None
    """The part of it that is file-backed (a mapped model)."""
    error: str | None = None


class EngineSpeed(Observed):
    """One timed completion; speeds as the server's own `timings` give them."""

    prompt_tokens: int | None = None
    predicted_tokens: int | None = None
    prompt_tok_s: float | None = None
    predicted_tok_s: float | None = None
    latency_ms: float | None = None
    error: str | None = None


class EngineEmbedding(Observed):
    """The vector that /v1/embeddings gave for one short text."""

    dimensions: int | None = None
    finite: bool | None = None
    """Whether every value is a number; the server sends null for one that is none."""
    nonzero: bool | None = None
    """Whether any value is not 0; the server sends zeros where the model's output has no length."""
    latency_ms: float | None = None
    error: str | None = None


class EngineObservation(Observed):
    name: str
    url: str
    unit: str | None = None
    health: HttpOutcome
    props: EngineProps
    process: EngineProcess
    load: EngineLoad
    speed: EngineSpeed | None = None
    """None where no completion was asked for, the engine was not healthy or writes no text."""
    embedding: EngineEmbedding | None = None
    """None where the engine was not healthy or is none for embeddings."""


class EgressOutcome(Observed):
    """Whether a process of `user` could open a TCP connection. Per user only: a unit's own IP filter is not in it."""

    user: str
    host: str
    port: int
    outcome: Literal["connected", "refused", "timeout", "unreachable", "denied", "error"]
    seconds: float
    error: str | None = None


class SeenTarget(Observed):
    """One address that Prometheus reads. `health` is up, down or unknown (not read yet)."""

    job: str
    name: str
    health: str
    error: str | None = None


class SeenRule(Observed):
    """One alert rule. `state` is inactive, pending or firing; `health` is ok, err or unknown (not evaluated yet)."""

    name: str
    state: str
    health: str
    error: str | None = None


class PrometheusObservation(Observed):
    """What a Prometheus says of itself (/api/v1/targets, rules and alertmanagers)."""

    url: str
    targets: tuple[SeenTarget, ...] = ()
    rules: tuple[SeenRule, ...] = ()
    alertmanagers: tuple[str, ...] = ()
    error: str | None = None


class DiskObservation(Observed):
    path: str
    total_mib: int | None = None
    free_mib: int | None = None
    """Free to an unprivileged user."""
    error: str | None = None


class MemoryObservation(Observed):
    total_mib: int | None = None
    available_mib: int | None = None
    swap_total_mib: int | None = None
    limit_mib: int | None = None
    """The machine's own control-group limit, if it has one; in a guest without lxcfs total_mib is the host's."""
    error: str | None = None


class MachineObservation(Observed):
    """The whole document."""

    format: Literal[1]
    taken_at: datetime
    duration_s: float
    machine: MachineFacts | None = None
    gpu: GpuObservation | None = None
    units: tuple[UnitObservation, ...] | None = None
    releases: tuple[ReleaseObservation, ...] | None = None
    listeners: ListenersObservation | None = None
    engines: tuple[EngineObservation, ...] | None = None
    http: tuple[HttpOutcome, ...] | None = None
    vram_before: tuple[VramBefore, ...] | None = None
    egress: tuple[EgressOutcome, ...] | None = None
    disk: tuple[DiskObservation, ...] | None = None
    prometheus: tuple[PrometheusObservation, ...] | None = None
    memory: MemoryObservation | None = None
    error: str | None = None
    """Set where the probe could not do its work as a whole (an unreadable config)."""


def parse_observation(document: str | Mapping[str, Any]) -> MachineObservation:
    """The probe's output, as text or already decoded. Raises pydantic.ValidationError for anything else."""
    text = document if isinstance(document, str) else json.dumps(document)
    return MachineObservation.model_validate_json(text)

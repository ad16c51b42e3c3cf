"""Every fault on demand, and cuInit as the probe calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provision.lab.simgpu.configuration import FaultRequest

if TYPE_CHECKING:
    from tests.unit.simgpu.conftest import Machine

FIRST = "GPU-11111111-2222-3333-4444-555555555555"
SECOND = "GPU-66666666-7777-8888-9999-aaaaaaaaaaaa"
BOTH = f"{FIRST},{SECOND}"
SLACK_MIB = 2

CUDA = """
cuda = ctypes.CDLL("libcuda.so.1")
def text(ask, code):
    answer = ctypes.c_char_p()
    return answer.value.decode() if ask(code, ctypes.byref(answer)) == 0 else None
count = ctypes.c_int(-1)
code = cuda.cuInit(0)
cuda.cuDeviceGetCount(ctypes.byref(count))
names = []
for i in range(max(count.value, 0)):
    name = ctypes.create_string_buffer(96)
    assert cuda.cuDeviceGetName(name, 96, i) == 0
    names.append(name.value.decode())
answer = [code, text(cuda.cuGetErrorName, code), text(cuda.cuGetErrorString, code), count.value, names]
"""
INIT = (
    "import pynvml as n\ntry:\n    n.nvmlInit()\n    answer = [0, n.nvmlDeviceGetCount()]\n"
    "except n.NVMLError as error:\n    answer = [error.value, n.nvmlErrorString(error.value)]"
)


def cuda(machine: Machine, **environment: str) -> Any:
    return machine.run(CUDA, **environment)


def test_a_healthy_machine_starts_cuda(machine: Machine) -> None:
    name = "NVIDIA GeForce RTX 4090"
    assert cuda(machine) == [0, "CUDA_SUCCESS", "no error (simulated)", 2, [name, name]]
    assert cuda(machine, CUDA_VISIBLE_DEVICES=SECOND)[3] == 1


@pytest.mark.parametrize("value", ["", "GPU-none", "7"])
def test_cuda_without_a_visible_card_has_no_device(machine: Machine, value: str) -> None:
    code, name, text, count, _ = cuda(machine, CUDA_VISIBLE_DEVICES=value)
    assert (code, name, count) == (100, "CUDA_ERROR_NO_DEVICE", -1)
    assert text.endswith("(simulated)")


def test_card_missing(machine: Machine) -> None:
    machine.write(FaultRequest(name="card-missing", card=0))
    uuids = "answer = [n.nvmlDeviceGetUUID(n.nvmlDeviceGetHandleByIndex(i)) for i in range(n.nvmlDeviceGetCount())]"
    assert machine.ask(uuids) == [SECOND]
    machine.write(FaultRequest(name="card-missing"))
    assert machine.ask(uuids) == [FIRST]
    with machine.process(30, CUDA_VISIBLE_DEVICES=BOTH) as resident:
        assert machine.used_mib() == [pytest.approx(resident, abs=SLACK_MIB)]


def test_driver_mismatch(machine: Machine) -> None:
    machine.write(FaultRequest(name="driver-mismatch"))
    assert machine.run(INIT) == [18, "Driver/library version mismatch (simulated)"]
    assert cuda(machine)[:2] == [803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"]


def test_uvm_missing_lists_the_cards_but_cuda_does_not_start(machine: Machine) -> None:
    machine.write(FaultRequest(name="uvm-missing"))
    assert machine.run(INIT) == [0, 2]
    assert cuda(machine)[:4] == [999, "CUDA_ERROR_UNKNOWN", "unknown error (simulated)", -1]


def test_cpu_only_leaves_the_cards_empty(machine: Machine) -> None:
    machine.write(FaultRequest(name="cpu-only"))
    with machine.process(60, CUDA_VISIBLE_DEVICES=BOTH):
        assert machine.used_mib() == [0, 0]


def test_vram_held_by_another(machine: Machine) -> None:
    machine.write(FaultRequest(name="vram-held"))
    assert machine.used_mib() == [8192, 0]
    machine.write(FaultRequest(name="vram-held", card=1, held_mib=999999))
    memory = (
        "m = n.nvmlDeviceGetMemoryInfo(n.nvmlDeviceGetHandleByIndex(1), n.nvmlMemory_v2)\n"
        "answer = [m.total >> 20, m.used >> 20, m.reserved >> 20, m.free >> 20]"
    )
    assert machine.ask(memory) == [24564, 24080, 484, 0]


@pytest.mark.parametrize(
    ("visible", "shares"), [(FIRST, (0, 1)), (SECOND, (1, 0)), (BOTH, (0, 1)), (f"{SECOND},{FIRST}", (1, 0))]
)
def test_wrong_card(machine: Machine, visible: str, shares: tuple[int, int]) -> None:
    machine.write(FaultRequest(name="wrong-card"))
    with machine.process(40, CUDA_VISIBLE_DEVICES=visible) as resident:
        assert machine.used_mib() == pytest.approx([resident * share for share in shares], abs=SLACK_MIB)


def test_a_fault_can_be_taken_back(machine: Machine) -> None:
    machine.write(FaultRequest(name="driver-mismatch"))
    assert machine.run(INIT)[0] == 18
    machine.write()
    assert machine.run(INIT) == [0, 2]

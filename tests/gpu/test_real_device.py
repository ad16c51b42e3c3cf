"""The probe against a real driver and card: nothing of the simulation is in the way.

Run as root on a machine with a card: `make test`, or `pytest tests/gpu`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from provision.models.observation import GpuObservation, parse_observation

pytestmark = pytest.mark.gpu

PROBE = Path(__file__).resolve().parents[2] / "roles/probe/files/provision_probe.py"


def call(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-B", str(PROBE), *arguments], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def seen() -> GpuObservation:
    return GpuObservation.model_validate_json(call("--only", "gpu"))


def test_it_is_a_real_card(seen: GpuObservation) -> None:
    assert not seen.simulated
    assert (seen.nvml.ok, seen.nvml.code, seen.error) == (True, 0, None)
    assert seen.devices


def test_library_and_kernel_module_are_of_one_version(seen: GpuObservation) -> None:
    assert seen.kernel_module_source == "proc"
    assert seen.kernel_module_version == seen.driver_version


def test_every_card_has_name_uuid_and_memory_that_adds_up(seen: GpuObservation) -> None:
    for card in seen.devices:
        assert card.name
        assert (card.uuid or "").startswith(("GPU-", "MIG-"))
        assert card.memory is not None
        parts = card.memory.used_mib + card.memory.free_mib + card.memory.reserved_mib
        assert parts == pytest.approx(card.memory.total_mib, abs=3)  # each is rounded down to MiB


def test_cuda_starts_and_sees_the_cards(seen: GpuObservation) -> None:
    assert seen.cuda is not None
    assert (seen.cuda.ok, seen.cuda.code) == (True, 0)
    assert seen.cuda.device_count == len(seen.devices)


def test_the_device_nodes_are_told(seen: GpuObservation) -> None:
    assert "/dev/nvidia0" in [node.path for node in seen.device_nodes]


def test_the_whole_document_fits_the_contract(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"gpu": True, "machine": True, "memory": True}))
    document = parse_observation(call("--config", str(config)))
    assert document.error is None
    assert document.gpu is not None
    assert document.gpu.nvml.ok


def test_memory_of_a_real_allocation_shows_on_its_card(seen: GpuObservation) -> None:
    """A child process takes 512 MiB of the first card through the CUDA driver; NVML must show it, and its end."""
    code = (
        "import ctypes, sys\ncuda = ctypes.CDLL('libcuda.so.1')\n"
        "device, context, memory = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()\n"
        "assert cuda.cuInit(0) == 0\nassert cuda.cuDeviceGet(ctypes.byref(device), 0) == 0\n"
        "assert cuda.cuCtxCreate_v2(ctypes.byref(context), 0, device) == 0\n"
        "assert cuda.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(512 << 20)) == 0\n"
        "print('held', flush=True)\nsys.stdin.read()"
    )
    before = used_by_uuid(seen)
    uuid = seen.devices[0].uuid or ""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={"CUDA_VISIBLE_DEVICES": uuid},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        during = used_by_uuid(GpuObservation.model_validate_json(call("--only", "gpu")))
    assert during[uuid] - before[uuid] >= 512


def used_by_uuid(seen: GpuObservation) -> dict[str, int]:
    return {card.uuid or "": card.memory.used_mib for card in seen.devices if card.memory}

"""The probe on simulated cards, as a target runs it: the real pynvml, a real process, every fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from provision.lab.simgpu.configuration import FaultRequest, render_module_version
from provision.models.observation import GpuObservation, parse_observation

if TYPE_CHECKING:
    from tests.unit.simgpu.conftest import Machine

PROBE = Path(__file__).resolve().parents[3] / "roles/probe/files/provision_probe.py"
FIRST = "GPU-11111111-2222-3333-4444-555555555555"
SECOND = "GPU-66666666-7777-8888-9999-aaaaaaaaaaaa"
DRIVER = "580.126.18"
SLACK_MIB = 2


def call(machine: Machine, *arguments: str, faults: tuple[FaultRequest, ...] = (), **extra: str) -> str:
    module = machine.conf.with_name("module-version")
    module.write_text(render_module_version(DRIVER, faults))
    machine.write(*faults)
    environment = machine.environment(
        PROVISION_PROBE_SIMULATED_MODULE=str(module), PYTHONDONTWRITEBYTECODE="1", **extra
    )
    done = subprocess.run(
        [sys.executable, str(PROBE), *arguments], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def observe(machine: Machine, *faults: FaultRequest, **extra: str) -> GpuObservation:
    return GpuObservation.model_validate_json(call(machine, "--only", "gpu", faults=faults, **extra))


def test_healthy_cards(machine: Machine) -> None:
    with machine.process(60, CUDA_VISIBLE_DEVICES=SECOND) as resident:
        seen = observe(machine)
    assert (seen.nvml.ok, seen.nvml.code, seen.simulated, seen.error) == (True, 0, True, None)
    assert seen.driver_version == seen.kernel_module_version == "580.126.18-simulated"
    assert (seen.kernel_module_source, seen.cuda_driver_version) == ("simulated", "13.0")
    assert [(card.name, card.uuid, card.errors) for card in seen.devices] == [
        ("NVIDIA GeForce RTX 4090", FIRST, {}),
        ("NVIDIA GeForce RTX 4090", SECOND, {}),
    ]
    used = [card.memory.used_mib for card in seen.devices if card.memory]
    assert used == [0, pytest.approx(resident, abs=SLACK_MIB)]
    assert seen.devices[0].memory is not None
    assert (seen.devices[0].memory.total_mib, seen.devices[0].memory.reserved_mib) == (24564, 484)
    assert (seen.devices[0].power_w, seen.devices[0].power_limit_w, seen.devices[0].temperature_c) == (22.0, 450.0, 29)
    assert seen.cuda is not None
    assert (seen.cuda.ok, seen.cuda.device_count) == (True, 2)


def test_the_probe_of_an_engines_unit_sees_all_cards_and_takes_none(machine: Machine) -> None:
    """ExecStartPre runs with the engine's environment."""
    seen = observe(machine, CUDA_VISIBLE_DEVICES=FIRST)
    assert seen.cuda is not None
    assert seen.cuda.device_count == 2
    assert [card.memory.used_mib for card in seen.devices if card.memory] == [0, 0]


def test_driver_mismatch_shows_code_text_and_both_versions(machine: Machine) -> None:
    seen = observe(machine, FaultRequest(name="driver-mismatch"))
    assert (seen.nvml.ok, seen.nvml.code) == (False, 18)
    assert seen.nvml.text == "Driver/library version mismatch (simulated)"
    assert (seen.driver_version, seen.kernel_module_version) == (None, "570.148.08-simulated")
    assert (seen.devices, seen.simulated) == ((), True)
    assert seen.cuda is not None
    assert seen.cuda.code == 803


def test_uvm_missing_shows_in_cuda_alone(machine: Machine) -> None:
    seen = observe(machine, FaultRequest(name="uvm-missing"))
    assert (seen.nvml.ok, len(seen.devices)) == (True, 2)
    assert seen.cuda is not None
    assert (seen.cuda.ok, seen.cuda.code, seen.cuda.device_count) == (False, 999, None)


def test_a_machine_without_a_driver(machine: Machine) -> None:
    seen = observe(machine, LD_LIBRARY_PATH="")
    assert (seen.nvml.ok, seen.nvml.code) == (False, 12)
    assert "Not Found" in (seen.nvml.text or "")
    assert seen.cuda is not None
    assert (seen.cuda.ok, seen.cuda.code) == (False, None)
    assert "libcuda.so.1" in (seen.cuda.text or "")


def test_a_damaged_library_costs_only_its_section(machine: Machine, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "libnvidia-ml.so.1").write_text("not a library")
    (broken / "libcuda.so.1").write_text("not a library")
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"gpu": True, "memory": True}))
    seen = parse_observation(call(machine, "--config", str(config), LD_LIBRARY_PATH=str(broken)))
    assert seen.memory is not None
    assert seen.gpu is not None
    assert not seen.gpu.nvml.ok


def test_a_driver_that_hangs_costs_only_its_section(machine: Machine, tmp_path: Path) -> None:
    """A library whose cuInit never returns; the probe's own limit is shortened for the test."""
    source = tmp_path / "hang.c"
    source.write_text("#include <unistd.h>\nint cuInit(unsigned f) { (void)f; for (;;) pause(); }\n")
    stuck = tmp_path / "stuck"
    stuck.mkdir()
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(stuck / "libcuda.so.1"), str(source)], check=True)
    code = (
        f"import sys; sys.path.insert(0, {str(PROBE.parent)!r})\n"
        "import json\nfrom probe_parts import driver\n"
        "driver.CUDA_TIMEOUT_S = 1\nprint(json.dumps(driver.observe_cuda()))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(stuck)},
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer == {"ok": False, "code": None, "text": "no answer within 1 s", "device_count": None}


def test_memory_before_an_engine_loads_is_written_and_read_back(machine: Machine, tmp_path: Path) -> None:
    note = tmp_path / "before.json"
    assert call(machine, "--only", "gpu", "--write", str(note)) == ""
    assert note.stat().st_mode & 0o777 == 0o644
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"vram_before": [{"engine": "chat", "path": str(note)}]}))
    seen = parse_observation(call(machine, "--config", str(config)))
    assert seen.vram_before is not None
    before = seen.vram_before[0]
    assert (before.engine, before.error, before.path) == ("chat", None, str(note))
    assert before.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert before.gpu is not None
    assert [card.uuid for card in before.gpu.devices] == [FIRST, SECOND]
    assert [path.name for path in tmp_path.glob(".before*")] == []


def test_a_note_that_cannot_be_written_does_not_stop_the_unit(machine: Machine) -> None:
    assert call(machine, "--only", "gpu", "--write", "/nonexistent/before.json") == ""


def test_without_rights_the_note_holds_the_refusal(machine: Machine, tmp_path: Path) -> None:
    """The simulation refuses memory where processes are hidden; the note must say so and hold no number."""
    (machine.proc / "1").unlink()
    seen = observe(machine)
    assert [card.memory for card in seen.devices] == [None, None]
    assert "Insufficient Permissions" in seen.devices[0].errors["memory"]
    assert seen.devices[0].uuid == FIRST

"""The GPU exporter's own reading on simulated cards: the real pynvml in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from provision.lab.simgpu.configuration import FaultRequest

if TYPE_CHECKING:
    from tests.unit.simgpu.conftest import Machine

ROLES = Path(__file__).resolve().parents[3] / "roles"
EXPORTER = ROLES / "gpu_exporter/files/gpu_exporter.py"
SECOND = "GPU-66666666-7777-8888-9999-aaaaaaaaaaaa"
SLACK_MIB = 2


def read(machine: Machine, *faults: FaultRequest) -> dict[str, Any]:
    machine.write(*faults)
    environment = machine.environment(PYTHONPATH=str(ROLES / "probe/files"), PYTHONDONTWRITEBYTECODE="1")
    command = [sys.executable, str(EXPORTER), "--read"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_it_reads_what_a_model_holds_and_says_simulated(machine: Machine) -> None:
    with machine.process(60, CUDA_VISIBLE_DEVICES=SECOND) as resident:
        seen = read(machine)
    assert (seen["nvml"]["ok"], seen["simulated"], seen["driver_version"]) == (True, True, "580.126.18-simulated")
    used = [card["memory"]["used_mib"] for card in seen["devices"]]
    assert used == [0, pytest.approx(resident, abs=SLACK_MIB)]
    assert [card["temperature_c"] for card in seen["devices"]] == [29, 29]
    # As a GeForce: it counts no ECC errors.
    assert [card["ecc_uncorrected"] for card in seen["devices"]] == [None, None]


def test_a_driver_that_does_not_answer_is_a_reading_too(machine: Machine) -> None:
    seen = read(machine, FaultRequest(name="driver-mismatch"))
    assert (seen["nvml"]["ok"], seen["devices"]) == (False, [])

"""The GPU exporter: what it renders of a reading, and whom it answers."""

from __future__ import annotations

import importlib.util
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[3] / "roles/gpu_exporter/files/gpu_exporter.py"
READING: dict[str, Any] = {
    "nvml": {"ok": True},
    "driver_version": "580.95.05-simulated",
    "simulated": True,
    "devices": [
        {
            "index": 0,
            "uuid": "GPU-0",
            "name": 'NVIDIA "X"',
            "memory": {"total_mib": 24564, "used_mib": 20000, "free_mib": 4000, "reserved_mib": 564},
            "power_w": 312.5,
            "power_limit_w": None,
            "temperature_c": 61,
            "utilization_percent": 0,
            "ecc_uncorrected": None,
        },
        {"index": 1, "errors": {"handle": "GPU is lost"}},
    ],
}
PLANNED: dict[str, Any] = {
    "cards": [{"index": 0, "uuid": ""}, {"index": 1, "uuid": "GPU-1"}],
    "engines": [
        {"name": "chat", "card": 0, "uuid": "", "mib": 20100},
        {"name": "chat", "card": 1, "uuid": "GPU-1", "mib": 9},
    ],
}


@pytest.fixture
def exporter() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_exporter", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_says_what_nvml_gives_and_fills_nothing_in(exporter: ModuleType) -> None:
    lines = exporter.render(READING, PLANNED).splitlines()
    labels = r'{card="0",uuid="GPU-0",model="NVIDIA \"X\"",simulated="true"}'
    assert "gpu_readable 1" in lines
    assert f"gpu_memory_used_mib{labels} 20000" in lines
    assert f"gpu_utilization_percent{labels} 0" in lines
    assert f"gpu_power_watts{labels} 312.5" in lines
    assert not [line for line in lines if line.startswith(("gpu_power_limit_watts", "gpu_ecc"))]
    assert 'gpu_driver_info{version="580.95.05-simulated",simulated="true"} 1' in lines


def test_a_card_that_is_gone_and_the_plan(exporter: ModuleType) -> None:
    lines = exporter.render(READING, PLANNED).splitlines()
    assert 'gpu_planned_present{card="0",uuid="GPU-0"} 1' in lines
    assert 'gpu_planned_present{card="1",uuid="GPU-1"} 0' in lines
    assert 'gpu_planned_memory_mib{engine="chat",uuid="GPU-0"} 20100' in lines
    assert 'gpu_planned_memory_mib{engine="chat",uuid="GPU-1"} 9' in lines


@pytest.fixture
def address(exporter: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(exporter, "read_apart", lambda: READING)
    config = {"address": "127.0.0.1", "port": 0, "user": "u", "password": "p:w", "planned": PLANNED}
    server = exporter.Server(config)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("given", "path", "status"),
    [("u:p:w", "/metrics", 200), ("u:p:w", "/", 404), ("u:x", "/metrics", 401), ("", "/metrics", 401)],
)
def test_whom_it_answers(address: str, given: str, path: str, status: int) -> None:
    headers = {"Authorization": f"Basic {b64encode(given.encode()).decode()}"} if given else {}
    connection = HTTPConnection(address, timeout=5)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    seen, text = answer.status, answer.read().decode()
    connection.close()
    assert seen == status
    assert ("gpu_memory_used_mib" in text) == (status == 200)


def test_a_reading_that_fails_is_said(exporter: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "__file__", "/nonexistent.py")
    text = exporter.render(exporter.read_apart(), PLANNED)
    assert "gpu_readable 0" in text
    assert 'gpu_planned_present{card="0",uuid=""} 0' in text

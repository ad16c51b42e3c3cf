"""Cards as NVML describes them; simulated ones are not measured."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from bench.gpu_cards import HOST, read_devices, read_nvml, read_resident
from provision.errors import SetupError

MIB = 2**20


class Refused(Exception):
    value = 3


class FakeNvml(SimpleNamespace):
    """The calls that the probe and the check make, for one RTX 4090."""

    NVMLError = Refused
    nvmlMemory_v2 = 2  # noqa: N815
    NVML_TEMPERATURE_GPU = 0

    def __init__(self, driver: str = "580.95.05", count: int = 1) -> None:
        super().__init__(used=420 * MIB)
        self.driver, self.count = driver, count

    def __getattr__(self, name: str) -> object:
        answers: dict[str, object] = {
            "nvmlSystemGetDriverVersion": self.driver,
            "nvmlSystemGetCudaDriverVersion": 13000,
            "nvmlDeviceGetCount": self.count,
            "nvmlDeviceGetName": "NVIDIA GeForce RTX 4090",
            "nvmlDeviceGetUUID": "GPU-a",
            "nvmlDeviceGetPciInfo": SimpleNamespace(busId="00000000:01:00.0"),
            "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=24564 * MIB, used=self.used, free=0, reserved=400 * MIB),
            "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=0),
            "nvmlDeviceGetCudaComputeCapability": (8, 9),
            "nvmlDeviceGetMaxPcieLinkGeneration": 4,
        }

        def answer(*_: object) -> object:
            if name == "nvmlDeviceGetMaxPcieLinkWidth":
                raise Refused
            return answers.get(name, 1)

        return answer


def test_a_card_is_described_and_what_it_refuses_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml())
    driver, (card,) = read_devices()
    assert driver == "580.95.05"
    assert (card.uuid, card.memory_mib, card.used_mib, card.architecture) == ("GPU-a", 24564, 420, "89-real")
    assert (card.pcie_generation, card.pcie_lanes) == (4, None)
    assert read_nvml(None) == {"GPU-a": 420.0}


@pytest.mark.parametrize("nvml", [FakeNvml(driver="580.95.05-simulated"), FakeNvml(count=0)])
def test_simulated_cards_and_none_at_all_are_refused(monkeypatch: pytest.MonkeyPatch, nvml: FakeNvml) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    with pytest.raises(SetupError, match="no NVIDIA card to measure"):
        read_devices()


def test_resident_memory_is_that_of_the_process() -> None:
    assert read_resident(1)[HOST] > 0
    assert read_resident(None) == {HOST: 0.0}

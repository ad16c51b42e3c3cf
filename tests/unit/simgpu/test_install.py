"""Building once, installing into a guest's root, and never through a link that the guest made."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.errors import ProvisionError
from provision.lab.simgpu.build import CUDA, NVML, build_libraries
from provision.lab.simgpu.install import CONFIG, LIBRARY_FOLDER, MODULE_VERSION, install_simulation, set_fault
from provision.models.lab import SimulatedGpu

GPU = SimulatedGpu(
    index=0,
    name="NVIDIA GeForce RTX 4090",
    uuid="GPU-01234567-89ab-cdef-0123-456789abcdef",
    pci_address="0000:41:00.0",
    memory_mib=24564,
)
DRIVER = "580.126.18"
# Without root only the own uid can be given away.
SHIFT = 100000 if os.geteuid() == 0 else os.geteuid()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROVISION_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    root = tmp_path / "rootfs"
    (root / LIBRARY_FOLDER).mkdir(parents=True)
    (root / "etc").mkdir()
    return root


def _owner_and_mode(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_uid, status.st_gid, status.st_mode & 0o7777


def test_the_libraries_are_built_once_and_found_by_their_content(cache: Path) -> None:
    nvml, cuda = build_libraries()
    assert (nvml.name, cuda.name) == (NVML, CUDA)
    assert nvml.is_relative_to(cache)
    built = nvml.stat().st_mtime_ns
    assert build_libraries() == (nvml, cuda)
    assert nvml.stat().st_mtime_ns == built
    assert [path.name for path in nvml.parent.parent.iterdir()] == [nvml.parent.name]


def test_the_libraries_carry_their_sonames() -> None:
    for library in build_libraries():
        headers = subprocess.run(["objdump", "-p", str(library)], capture_output=True, text=True, check=True).stdout
        assert f"SONAME               {library.name}" in headers


def test_without_a_compiler_it_says_so_in_three_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProvisionError, match="gcc is missing") as caught:
        build_libraries()
    assert "apt-get install" in caught.value.hint


def test_everything_lands_with_the_guests_owner(rootfs: Path) -> None:
    install_simulation(rootfs, [GPU], DRIVER, SHIFT)
    for path in (LIBRARY_FOLDER / NVML, LIBRARY_FOLDER / CUDA, CONFIG, MODULE_VERSION):
        assert _owner_and_mode(rootfs / path) == (SHIFT, SHIFT, 0o644)
    assert "580.126.18-simulated" in (rootfs / CONFIG).read_text()


def test_a_second_installation_changes_nothing(rootfs: Path) -> None:
    install_simulation(rootfs, [GPU], DRIVER, SHIFT)
    before = {path: path.stat().st_ino for path in rootfs.rglob("*") if path.is_file()}
    install_simulation(rootfs, [GPU], DRIVER, SHIFT)
    assert {path: path.stat().st_ino for path in rootfs.rglob("*") if path.is_file()} == before


def test_a_fault_is_set_and_taken_back(rootfs: Path) -> None:
    install_simulation(rootfs, [GPU], DRIVER, SHIFT)
    healthy = (rootfs / CONFIG).read_text()
    set_fault(rootfs, "driver-mismatch", gpus=[GPU], driver_version=DRIVER, uid_shift=SHIFT)
    assert "fault driver-mismatch\n" in (rootfs / CONFIG).read_text()
    assert DRIVER not in (rootfs / MODULE_VERSION).read_text()
    set_fault(rootfs, None, gpus=[GPU], driver_version=DRIVER, uid_shift=SHIFT)
    assert (rootfs / CONFIG).read_text() == healthy
    assert DRIVER in (rootfs / MODULE_VERSION).read_text()


def test_a_link_in_the_place_of_a_folder_is_not_followed(rootfs: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (rootfs / "etc").rmdir()
    (rootfs / "etc").symlink_to(outside)
    with pytest.raises(ProvisionError):
        set_fault(rootfs, "cpu-only", gpus=[GPU], driver_version=DRIVER, uid_shift=SHIFT)
    assert list(outside.iterdir()) == []


def test_a_link_in_the_place_of_a_file_is_replaced(rootfs: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("untouched")
    (rootfs / CONFIG).symlink_to(secret)
    set_fault(rootfs, None, gpus=[GPU], driver_version=DRIVER, uid_shift=SHIFT)
    assert secret.read_text() == "untouched"
    assert not (rootfs / CONFIG).is_symlink()


def test_a_failed_write_leaves_the_old_file(rootfs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_simulation(rootfs, [GPU], DRIVER, SHIFT)
    healthy = (rootfs / CONFIG).read_text()

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchown", fail)
    with pytest.raises(ProvisionError, match="No space left"):
        set_fault(rootfs, "cpu-only", gpus=[GPU], driver_version=DRIVER, uid_shift=SHIFT)
    assert (rootfs / CONFIG).read_text() == healthy
    assert not [path for path in (rootfs / "etc").iterdir() if path.name.startswith(".")]

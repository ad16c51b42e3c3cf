"""The config file: hostile ones are refused as a whole, and no input makes the library read or write out of bounds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.errors import ProvisionError
from provision.lab.simgpu.build import FLAGS, NVML, PARTS, SOURCES
from provision.lab.simgpu.configuration import FaultRequest, render_config, render_module_version
from provision.models.lab import GpuFault, SimulatedGpu

GPU = SimulatedGpu(
    index=0,
    name="NVIDIA H100 PCIe",
    uuid="GPU-01234567-89ab-cdef-0123-456789abcdef",
    pci_address="0000:41:00.0",
    memory_mib=81559,
)
GOOD = render_config([GPU], "580.126.18")
Walk = Callable[[bytes], str]


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program over the library's sources, built with the address and undefined-behaviour sanitizers."""
    folder = tmp_path_factory.mktemp("sanitized")
    flags = [flag for flag in FLAGS if flag != "-shared" and not flag.startswith("-Wl")]
    subprocess.run(
        ["gcc", *flags, "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", str(SOURCES)]
        + ["-o", str(folder / "walk"), str(Path(__file__).with_name("walk.c"))]
        + [str(SOURCES / name) for name in PARTS[NVML]],
        check=True,
        timeout=120,
    )
    return folder / "walk"


@pytest.fixture
def walk(sanitized: Path, tmp_path: Path) -> Walk:
    """Loads a config in that program beside a real process; returns what it printed."""
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "1").symlink_to("/proc/self")
    conf = tmp_path / "simgpu.conf"

    def run(content: bytes) -> str:
        conf.write_bytes(content)
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()", "-ts", "1,1,1," * 500],
            env={"CUDA_VISIBLE_DEVICES": "0,GPU-", "FILLER": "x" * 100_000},
            stdin=subprocess.PIPE,
        )
        (proc / str(child.pid)).symlink_to(f"/proc/{child.pid}")
        (proc / "not-a-pid").mkdir(exist_ok=True)
        (proc / "999999999").mkdir(exist_ok=True)
        environment = {"PROVISION_SIMGPU_CONF": str(conf), "PROVISION_SIMGPU_PROC": str(proc)}
        done = subprocess.run(
            [str(sanitized)], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        (proc / str(child.pid)).unlink()
        child.communicate(b"")
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_good_config_is_taken(walk: Walk) -> None:
    assert "init 0" in walk(GOOD.encode())
    assert "card 0 used" in walk(GOOD.encode())


def _with(line: str) -> bytes:
    return (GOOD + line + "\n").encode()


BAD = {
    "not a card": _with("colour blue"),
    "a key alone": _with("memory_mib"),
    "a key with nothing": _with("memory_mib "),
    "a card out of order": _with("card 5"),
    "a card with nothing in it": _with("card 1"),
    "a negative number": _with("memory_mib -5"),
    "a number with more": _with("memory_mib 5x"),
    "a number beyond 64 bits": _with("memory_mib 99999999999999999999999999"),
    "a number beyond any card": _with("memory_mib 16777217"),
    "no memory": _with("memory_mib 0"),
    "more reserved than there is": _with("reserved_mib 81560"),
    "a long line": _with("name " + "x" * 600),
    "a long name": _with("name " + "x" * 96),
    "a long uuid": _with("uuid GPU-" + "x" * 90),
    "a uuid of another kind": _with("uuid MIG-1"),
    "an address of another function": _with("pci 0000:41:00.1"),
    "an address with more": _with("pci 0000:41:00.0 and more"),
    "a device beyond PCI": _with("pci 0000:41:20.0"),
    "a zero byte": GOOD.encode() + b"name a\0b\n",
    "no end of line": GOOD.encode() + b"name x",
    "two cards alike": (GOOD + GOOD.split("\n", 3)[3].replace("card 0", "card 1")).encode(),
    "a driver that could be real": GOOD.replace("-simulated", "").encode(),
    "only the mark": GOOD.replace("580.126.18-", "-").encode(),
    "an unknown fault": _with("fault on-fire"),
    "a missing card that is not there": _with("fault card-missing 1"),
    "a missing card without a number": _with("fault card-missing"),
    "memory held on no card": _with("fault vram-held 3 5"),
    "memory held without an amount": _with("fault vram-held 0"),
    "a fault with more": _with("fault cpu-only now"),
    "many lines": (GOOD + "# nothing\n" * 2000).encode(),
    "seventeen cards": "".join(f"card {i}\n" for i in range(17)).encode(),
    "binary": bytes(range(256)) * 40,
    "nothing": b"",
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_hostile_config_starts_no_driver(walk: Walk, content: bytes) -> None:
    assert walk(content) == "init 999 Unknown Error (simulated)\n"


@pytest.mark.parametrize(("length", "code"), [(95, 0), (96, 999)])
def test_the_longest_name_that_fits(walk: Walk, length: int, code: int) -> None:
    """One more would run into the UUID, which the next line writes again: only the refusal shows it."""
    assert walk(GOOD.replace(GPU.name, "x" * length).encode()).startswith(f"init {code} ")


def test_cut_off_anywhere_it_is_safe(walk: Walk) -> None:
    content = _with("fault vram-held 0 77")
    for length in range(0, len(content), 23):
        assert walk(content[:length]).startswith("init ")


def test_no_config_is_no_driver(tmp_path: Path, libraries: Path) -> None:
    code = "import pynvml as n\ntry:\n    n.nvmlInit()\nexcept n.NVMLError as error:\n    print(error.value)"
    environment = {"LD_LIBRARY_PATH": str(libraries), "PROVISION_SIMGPU_CONF": str(tmp_path / "none")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "9\n"


def test_the_config_is_deterministic_and_names_no_real_driver() -> None:
    assert render_config([GPU], "580.126.18") == GOOD
    assert "driver_version 580.126.18-simulated\n" in GOOD


def test_the_module_version_differs_only_under_a_mismatch() -> None:
    assert "x86_64  580.126.18-simulated  (simulated)" in render_module_version("580.126.18")
    mismatch = FaultRequest(name="driver-mismatch", module="570.148.08")
    assert "x86_64  570.148.08-simulated  (simulated)" in render_module_version("580.126.18", [mismatch])


@pytest.mark.parametrize(
    "change",
    [
        {"name": "RTX\nfault cpu-only"},
        {"name": ""},
        {"uuid": "GPU-1"},
        {"uuid": "GPU-01234567-89ab-cdef-0123-456789abcdef\n"},
        {"pci_address": "0000:41:00.7"},
        {"memory_mib": 484},
        {"memory_mib": 2**30},
        {"index": 1},
    ],
)
def test_cards_that_cannot_be_written_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ProvisionError):
        render_config([GPU.model_copy(update=change)], "580.126.18")


@pytest.mark.parametrize("version", ["", "580", "580.126.18-simulated", "580.126.18\n", "latest"])
def test_a_driver_version_that_is_none_is_refused(version: str) -> None:
    with pytest.raises(ProvisionError):
        render_config([GPU], version)


@pytest.mark.parametrize(("name", "card"), [("wrong-card", None), ("card-missing", 1), ("vram-held", -1)])
def test_a_fault_that_would_show_nothing_is_refused(name: GpuFault, card: int | None) -> None:
    with pytest.raises(ProvisionError):
        render_config([GPU], "580.126.18", [FaultRequest(name=name, card=card)])


def test_two_cards_with_one_uuid_are_refused() -> None:
    with pytest.raises(ProvisionError):
        render_config([GPU, GPU.model_copy(update={"index": 1, "pci_address": "0000:42:00.0"})], "580.126.18")


def test_the_sanitizers_are_on(sanitized: Path) -> None:
    """Without them the tests above would pass whatever the library reads or writes."""
    symbols = subprocess.run(["nm", str(sanitized)], capture_output=True, text=True, check=True).stdout
    assert "__asan_init" in symbols
    assert "__ubsan_handle" in symbols

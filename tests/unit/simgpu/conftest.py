"""The real pynvml in a child process, on libraries compiled here, with its own config and its own view of /proc."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provision.lab.simgpu.build import CUDA, NVML, compile_library
from provision.lab.simgpu.configuration import FaultRequest, render_config
from provision.models.lab import SimulatedGpu

CARDS = (
    SimulatedGpu(
        index=0,
        name="NVIDIA GeForce RTX 4090",
        uuid="GPU-11111111-2222-3333-4444-555555555555",
        pci_address="00000000:01:00.0",
        memory_mib=24564,
    ),
    SimulatedGpu(
        index=1,
        name="NVIDIA GeForce RTX 4090",
        uuid="GPU-66666666-7777-8888-9999-aaaaaaaaaaaa",
        pci_address="00000000:02:00.0",
        memory_mib=24564,
    ),
)
DRIVER = "580.126.18"
# Takes N MiB that it really touches, says so, and waits for its standard input to close.
HOG = "import sys; held = bytearray(b'x' * (int(sys.argv[1]) << 20)); print('held', flush=True); sys.stdin.read()"


class Machine:
    """A simulated machine: its cards, its faults, and the processes that it has."""

    def __init__(self, folder: Path, libraries: Path) -> None:
        self.conf = folder / "simgpu.conf"
        self.proc = folder / "proc"
        self.proc.mkdir()
        # The libraries want to see pid 1 before they believe that they see every process.
        (self.proc / "1").symlink_to(f"/proc/{os.getpid()}")
        self.libraries = libraries
        self.write()

    def write(self, *faults: FaultRequest) -> None:
        self.conf.write_text(render_config(CARDS, DRIVER, faults))

    def environment(self, **extra: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LD_LIBRARY_PATH": str(self.libraries),
            "PROVISION_SIMGPU_CONF": str(self.conf),
            "PROVISION_SIMGPU_PROC": str(self.proc),
            **extra,
        }

    def ask(self, code: str, **extra: str) -> Any:
        """Run `code` with pynvml imported and started; it leaves its answer in `answer`."""
        return self.run(f"import pynvml as n\nn.nvmlInit()\n{code}", **extra)

    def run(self, code: str, **extra: str) -> Any:
        script = f"import ctypes, json\n{code}\nprint(json.dumps(answer))"
        done = subprocess.run(
            [sys.executable, "-c", script], env=self.environment(**extra), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def used_mib(self) -> list[int]:
        return [
            value >> 20
            for value in self.ask(
                "answer = [n.nvmlDeviceGetMemoryInfo(n.nvmlDeviceGetHandleByIndex(i), n.nvmlMemory_v2).used"
                " for i in range(n.nvmlDeviceGetCount())]"
            )
        ]

    @contextmanager
    def process(self, mib: int, *arguments: str, **environment: str) -> Iterator[int]:
        """A real process of this machine that holds `mib` MiB; yields what the kernel says it holds, in MiB."""
        with self.started([sys.executable, "-c", HOG, str(mib), *arguments], **environment) as resident:
            yield resident

    @contextmanager
    def started(self, argv: list[str], **environment: str) -> Iterator[int]:
        """A process that prints 'held' once it holds its memory, and ends when its standard input closes."""
        with subprocess.Popen(
            argv, env={"PATH": os.environ["PATH"], **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"held\n"
            link = self.proc / str(child.pid)
            link.symlink_to(f"/proc/{child.pid}")
            rollup = Path(f"/proc/{child.pid}/smaps_rollup").read_text()
            resident = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Rss:"))
            try:
                yield resident >> 10
            finally:
                link.unlink()


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simgpu")
    for library in (NVML, CUDA):
        compile_library(library, folder / library)
    return folder


@pytest.fixture
def machine(tmp_path: Path, libraries: Path) -> Machine:
    return Machine(tmp_path, libraries)

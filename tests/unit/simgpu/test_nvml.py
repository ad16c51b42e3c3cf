"""The real pynvml on the simulated NVML: what it reports, and memory that follows real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.simgpu.conftest import Machine

FIRST = "GPU-11111111-2222-3333-4444-555555555555"
SECOND = "GPU-66666666-7777-8888-9999-aaaaaaaaaaaa"
BOTH = f"{FIRST},{SECOND}"
# A process gains and loses a few pages between two looks.
SLACK_MIB = 2


def test_the_real_pynvml_lists_the_cards(machine: Machine) -> None:
    answer = machine.ask(
        "handles = [n.nvmlDeviceGetHandleByIndex(i) for i in range(n.nvmlDeviceGetCount())]\n"
        "answer = [[n.nvmlDeviceGetIndex(h), n.nvmlDeviceGetName(h), n.nvmlDeviceGetUUID(h),"
        " n.nvmlDeviceGetPciInfo(h).busId, n.nvmlDeviceGetPciInfo(h).busIdLegacy] for h in handles]"
    )
    assert answer == [
        [0, "NVIDIA GeForce RTX 4090", FIRST, "00000000:01:00.0", "0000:01:00.0"],
        [1, "NVIDIA GeForce RTX 4090", SECOND, "00000000:02:00.0", "0000:02:00.0"],
    ]


def test_every_version_says_simulated(machine: Machine) -> None:
    answer = machine.ask(
        "answer = [n.nvmlSystemGetDriverVersion(), n.nvmlSystemGetNVMLVersion(),"
        " n.nvmlSystemGetCudaDriverVersion(), n.nvmlErrorString(4), n.nvmlErrorString(18), n.nvmlErrorString(-5)]"
    )
    assert answer[:3] == ["580.126.18-simulated", "13.580.126.18-simulated", 13000]
    assert all(text.endswith("(simulated)") for text in answer[3:])


def test_cards_are_found_by_uuid_and_by_address(machine: Machine) -> None:
    answer = machine.ask(
        f"answer = [n.nvmlDeviceGetIndex(n.nvmlDeviceGetHandleByUUID('{SECOND}')),"
        " n.nvmlDeviceGetIndex(n.nvmlDeviceGetHandleByPciBusId('0000:02:00.0'))]\n"
        "for find, name in ((n.nvmlDeviceGetHandleByUUID, 'GPU-0'), (n.nvmlDeviceGetHandleByPciBusId, '0000:09:00.0'),"
        " (n.nvmlDeviceGetHandleByIndex, 2)):\n"
        "    try:\n        find(name)\n    except n.NVMLError as error:\n        answer.append(error.value)"
    )
    assert answer == [1, 1, 6, 6, 2]


def test_both_versions_of_memory_add_up(machine: Machine) -> None:
    answer = machine.ask(
        "h = n.nvmlDeviceGetHandleByIndex(0)\n"
        "a, b = n.nvmlDeviceGetMemoryInfo(h), n.nvmlDeviceGetMemoryInfo(h, n.nvmlMemory_v2)\n"
        "answer = [[x >> 20 for x in (a.total, a.used, a.free)],"
        " [x >> 20 for x in (b.total, b.used, b.reserved, b.free)]]"
    )
    assert answer == [[24564, 484, 24080], [24564, 0, 484, 24080]]


def test_what_is_not_simulated_is_absent(machine: Machine) -> None:
    answer = machine.ask(
        "try:\n    answer = n.nvmlDeviceGetSerial(n.nvmlDeviceGetHandleByIndex(0))\n"
        "except n.NVMLError_FunctionNotFound as error:\n    answer = 'FunctionNotFound'"
    )
    assert answer == "FunctionNotFound"


def test_an_unknown_card_and_a_library_not_started_are_errors(machine: Machine) -> None:
    answer = machine.run(
        "import pynvml as n\nanswer = []\nn._LoadNvmlLibrary()\n"
        "for ask in (n.nvmlDeviceGetCount, n.nvmlShutdown, lambda: n.nvmlDeviceGetName(None),"
        " lambda: (n.nvmlInit(), n.nvmlDeviceGetName(ctypes.c_void_p(4096)))):\n"
        "    try:\n        ask()\n    except n.NVMLError as error:\n        answer.append(error.value)"
    )
    assert answer == [1, 1, 1, 2]


def test_a_wrong_struct_version_is_refused(machine: Machine) -> None:
    answer = machine.ask(
        "try:\n    answer = n.nvmlDeviceGetMemoryInfo(n.nvmlDeviceGetHandleByIndex(0), 0x03000028).used\n"
        "except n.NVMLError as error:\n    answer = error.value"
    )
    assert answer == 25


def test_temperature_power_and_processes_read_as_in_a_container(machine: Machine) -> None:
    answer = machine.ask(
        "h = n.nvmlDeviceGetHandleByIndex(1)\n"
        "answer = [n.nvmlDeviceGetTemperature(h, 0), n.nvmlDeviceGetTemperatureV(h, 0), n.nvmlDeviceGetPowerUsage(h),"
        " n.nvmlDeviceGetPowerManagementLimit(h),"
        " n.nvmlDeviceGetComputeRunningProcesses(h), n.nvmlDeviceGetGraphicsRunningProcesses(h),"
        " n.nvmlDeviceGetUtilizationRates(h).gpu]"
    )
    assert answer == [29, 29, 22000, 450000, [], [], 0]


def test_memory_follows_a_real_process(machine: Machine) -> None:
    assert machine.used_mib() == [0, 0]
    with machine.process(100, CUDA_VISIBLE_DEVICES=SECOND) as resident:
        assert resident >= 100
        first, second = machine.used_mib()
        assert first == 0
        assert second == pytest.approx(resident, abs=SLACK_MIB)
    assert machine.used_mib() == [0, 0]


def test_a_process_without_cards_takes_none(machine: Machine) -> None:
    with machine.process(30), machine.process(30, CUDA_VISIBLE_DEVICES=""):
        assert machine.used_mib() == [0, 0]


def test_the_reader_itself_takes_none(machine: Machine) -> None:
    answer = machine.run(
        "import os, pynvml as n\nlink = os.environ['PROVISION_SIMGPU_PROC'] + f'/{os.getpid()}'\n"
        "os.symlink(f'/proc/{os.getpid()}', link)\nn.nvmlInit()\n"
        "answer = n.nvmlDeviceGetMemoryInfo(n.nvmlDeviceGetHandleByIndex(0), n.nvmlMemory_v2).used\nos.unlink(link)",
        CUDA_VISIBLE_DEVICES=FIRST,
    )
    assert answer == 0


def test_file_backed_pages_count(machine: Machine, tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(b"w" * (64 << 20))
    code = (
        "import mmap, sys\nfile = open(sys.argv[1], 'rb')\nview = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)\n"
        "total = sum(view[i] for i in range(0, len(view), 4096))\nprint('held', flush=True)\nsys.stdin.read()"
    )
    with machine.started([sys.executable, "-c", code, str(model)], CUDA_VISIBLE_DEVICES=FIRST) as resident:
        assert resident >= 64
        assert machine.used_mib()[0] == pytest.approx(resident, abs=SLACK_MIB)


@pytest.mark.parametrize(
    ("arguments", "environment", "shares"),
    [
        ((), {}, (0.5, 0.5)),
        (("--tensor-split", "3,1"), {}, (0.75, 0.25)),
        (("-ts", "1/4"), {}, (0.2, 0.8)),
        (("-ts", "1"), {}, (1, 0)),
        (("-ts", "0,0"), {}, (0.5, 0.5)),
        (("-ts", "-1,2"), {}, (0.5, 0.5)),
        (("-ts", "nan,inf"), {}, (0.5, 0.5)),
        (("-ts",), {}, (0.5, 0.5)),
        ((), {"LLAMA_ARG_TENSOR_SPLIT": "1,3"}, (0.25, 0.75)),
        (("-ts", "3,1"), {"LLAMA_ARG_TENSOR_SPLIT": "1,3"}, (0.75, 0.25)),
        (("--split-mode", "none"), {}, (1, 0)),
        (("-sm", "none", "--main-gpu", "1"), {}, (0, 1)),
        (("-sm", "none", "-mg", "7"), {}, (1, 0)),
        (("-sm", "layer", "-ts", "1,1"), {}, (0.5, 0.5)),
        (("-ngl", "0"), {}, (0, 0)),
        (("--gpu-layers", "0"), {}, (0, 0)),
        (("-ngl", "99"), {}, (0.5, 0.5)),
    ],
)
def test_memory_is_split_as_llama_cpp_splits(
    machine: Machine, arguments: tuple[str, ...], environment: dict[str, str], shares: tuple[float, float]
) -> None:
    with machine.process(60, *arguments, CUDA_VISIBLE_DEVICES=BOTH, **environment) as resident:
        assert machine.used_mib() == pytest.approx([resident * share for share in shares], abs=SLACK_MIB)


@pytest.mark.parametrize(
    ("value", "cards"),
    [
        ("0", (1, 0)),
        ("1", (0, 1)),
        ("GPU-666", (0, 1)),
        (f"{SECOND},{FIRST}", (0.5, 0.5)),
        (f"{FIRST},GPU-none,{SECOND}", (1, 0)),
        ("GPU-", (0, 0)),
        ("2", (0, 0)),
        ("-1", (0, 0)),
        ("NoDevFiles", (0, 0)),
        ("0,0", (0, 0)),
        (",0", (0, 0)),
        ("99999999999999999999", (0, 0)),
    ],
)
def test_visible_devices_read_as_cuda_reads_them(machine: Machine, value: str, cards: tuple[float, float]) -> None:
    with machine.process(40, CUDA_VISIBLE_DEVICES=value) as resident:
        assert machine.used_mib() == pytest.approx([resident * share for share in cards], abs=SLACK_MIB)


def test_a_tensor_split_goes_by_the_order_of_the_named_cards(machine: Machine) -> None:
    with machine.process(60, "-ts", "3,1", CUDA_VISIBLE_DEVICES=f"{SECOND},{FIRST}") as resident:
        assert machine.used_mib() == pytest.approx([resident * 0.25, resident * 0.75], abs=SLACK_MIB)


def test_two_processes_on_one_card_add_up(machine: Machine) -> None:
    with machine.process(30, CUDA_VISIBLE_DEVICES=FIRST) as one, machine.process(50, CUDA_VISIBLE_DEVICES="0") as two:
        assert machine.used_mib() == [pytest.approx(one + two, abs=2 * SLACK_MIB), 0]


DROP_RIGHTS = "if os.geteuid() == 0:\n    os.setgid(65534)\n    os.setgroups([])\n    os.setuid(65534)\n"
ASK_MEMORY = (
    "def ask(read):\n"
    "    try:\n        return 'a number' if read(handle) else None\n"
    "    except n.NVMLError_NoPermission:\n        return 'no permission'\n"
)


def test_a_caller_without_rights_is_told_so(machine: Machine) -> None:
    """A process of another user that cannot be read could hold any amount: no number is the only true answer."""
    foreign, nobody = (os.getpid(), 65534) if os.geteuid() == 0 else (1, os.geteuid())
    with subprocess.Popen(["cat"], user=nobody, stdin=subprocess.PIPE) as own:
        (machine.proc / "1").unlink()
        (machine.proc / "1").symlink_to(f"/proc/{own.pid}")  # readable before and after: only the other one refuses
        code = (
            "import os, pynvml as n\nn.nvmlInit()\nhandle = n.nvmlDeviceGetHandleByIndex(0)\n" + ASK_MEMORY + "link = "
            f"os.environ['PROVISION_SIMGPU_PROC'] + '/2'\nanswer = [ask(n.nvmlDeviceGetMemoryInfo)]\n"
            f"os.symlink('/proc/{foreign}', link)\n"
            + DROP_RIGHTS
            + "answer += [ask(n.nvmlDeviceGetMemoryInfo), ask(n.nvmlDeviceGetUtilizationRates),"
            " n.nvmlDeviceGetName(handle)]"
        )
        answer = machine.run(code)
    assert answer == ["a number", "no permission", "no permission", "NVIDIA GeForce RTX 4090"]


def test_where_processes_are_hidden_no_number_is_given(machine: Machine) -> None:
    """ProtectProc= hides other users' processes altogether; pid 1, which is always there, stands for them."""
    (machine.proc / "1").unlink()
    code = "import pynvml as n\nn.nvmlInit()\nhandle = n.nvmlDeviceGetHandleByIndex(0)\n" + ASK_MEMORY
    assert machine.run(code + "answer = ask(n.nvmlDeviceGetMemoryInfo)") == "no permission"

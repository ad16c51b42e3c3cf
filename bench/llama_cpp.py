"""The pinned llama.cpp build, taken from the lab's bundle, and what it says about memory. All figures in MiB."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provision.catalog.releases import release_id
from provision.errors import SetupError
from provision.lab.bundles import read_bundle
from provision.models.architecture import Serving
from provision.models.base import Frozen
from provision.places import find_content
from provision.planner.memory.cache import BATCH

_START_S = 120
_BUFFER = re.compile(
    r"(?:llama_kv_cache|llama_memory_recurrent|load_tensors|sched_reserve|llama_dsv4_comp_state)\w*:\s+\S+ "
    r"(model|KV|RS|compute|.*state) buffer size =\s+([\d.]+) MiB"
)


class EngineMemory(Frozen):
    """What the engine counts on the CPU: weights, caches and states, compute buffer."""

    model: float
    kv: float
    compute: float


@contextmanager
def unpacked() -> Iterator[Path]:
    """The folder of the bundle's programs. Raises SetupError where the lab has not built it yet."""
    recipe = find_content("roles/llama_cpp/files/recipe")
    bundle = read_bundle(release_id(recipe))
    if bundle is None:
        raise SetupError("the pinned llama.cpp is not built yet", where=str(recipe), hint="run make demo first")
    with tempfile.TemporaryDirectory(prefix="provision-bench-") as folder:
        subprocess.run(["tar", "--zstd", "-xf", bundle.path, "-C", folder], check=True)
        yield Path(folder) / "bin"


def ask_fit_params(programs: Path, model: Path, serving: Serving) -> EngineMemory:
    """llama-fit-params on a header: whole MiB, rounded down. Raises SetupError where it cannot read it."""
    command = [programs / "llama-fit-params", "--fit-print", "on", "--no-repack", *_options(model, serving)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"^Host (\d+) (\d+) (\d+)", done.stdout, re.MULTILINE)
    if found is None:
        raise SetupError(
            f"llama-fit-params said nothing: {done.stderr.strip()[-300:]}", where=model.name, hint="read its output"
        )
    weights, kv, compute = map(int, found.groups())
    return EngineMemory(model=weights, kv=kv, compute=compute)


def ask_server(programs: Path, model: Path, serving: Serving, *, embedding: bool) -> EngineMemory:
    """llama-server's own log of what it allocated; it is ended before it serves. Raises SetupError where it fails."""
    command = [
        *(programs / "llama-server", "--no-repack", "--no-warmup", "--fit", "off", "--no-kv-unified"),
        *("--verbosity", "4", "--cache-ram", "0", "--host", "127.0.0.1", "--port", "0", *_options(model, serving)),
        *(["--embedding"] if embedding else []),
    ]
    with tempfile.NamedTemporaryFile("w+") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            text = _wait_for_buffers(server, Path(log.name))
        finally:
            server.kill()
            server.wait()
    sizes = {"model": 0.0, "kv": 0.0, "compute": 0.0}
    for kind, size in _BUFFER.findall(text):
        sizes[kind if kind in sizes else "kv"] += float(size)
    return EngineMemory(**sizes)


def _wait_for_buffers(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        text = log.read_text()
        if "reserve took" in text:
            return text
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise SetupError(
        f"llama-server did not come up: {log.read_text().strip()[-300:]}", where=log.name, hint="read its output"
    )


def _options(model: Path, serving: Serving) -> list[str | Path]:
    return [
        *("--model", model, "--ctx-size", str(serving.context * serving.parallel), "--parallel", str(serving.parallel)),
        *("--cache-type-k", serving.kv, "--cache-type-v", serving.kv, "--flash-attn", "on"),
        *("--ubatch-size", str(serving.ubatch), "--batch-size", str(max(BATCH, serving.ubatch))),
    ]

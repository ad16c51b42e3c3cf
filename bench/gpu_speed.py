"""Tokens/s by llama-bench, and what the disk gives."""

from __future__ import annotations

import json
import mmap
import os
import time
from collections.abc import Mapping
from pathlib import Path

from bench.gpu_deadline import Deadline, run_command

BENCH_S = 120.0
PROMPT, GENERATED, REPEATED = 512, 128, 2
_CHUNK = 16 * 2**20
_DISK_BYTES, _DISK_S = 4 * 2**30, 4.0


def measure_rates(
    program: Path, model: Path, options: Mapping[str, str], environment: Mapping[str, str], deadline: Deadline
) -> tuple[float, float]:
    """Tokens/s of prompts (512 tokens) and of decoding (128 tokens after none), of one sequence."""
    argv = [str(program), "--model", str(model), "-p", str(PROMPT), "-n", str(GENERATED), "-r", str(REPEATED)]
    argv += [word for option in options.items() for word in option]
    told = json.loads(run_command([*argv, "-o", "json"], deadline, BENCH_S, environment))
    return (
        next(float(test["avg_ts"]) for test in told if test["n_prompt"] and not test["n_gen"]),
        next(float(test["avg_ts"]) for test in told if test["n_gen"] and not test["n_prompt"]),
    )


def forget_pages(path: Path) -> None:
    """Take a file's pages out of the host's cache, so that it is next read from the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure_disk(path: Path) -> float | None:
    """GB/s of reading a file past the cache, up to 4 GiB or 4 s; None where its file system does not offer that."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_DIRECT)
    except OSError:
        return None
    read, started = 0, time.monotonic()
    try:
        with mmap.mmap(-1, _CHUNK) as buffer:  # anonymous pages: aligned, as O_DIRECT wants it
            while read < _DISK_BYTES and time.monotonic() - started < _DISK_S:
                got = os.readv(file, [buffer])
                if got < _CHUNK:
                    break
                read += got
    except OSError:
        return None
    finally:
        os.close(file)
    return read / (time.monotonic() - started) / 1e9 if read else None

"""The gateway's memory over very many requests, with detection and durable audit on.

Run: .venv/bin/python -m bench.bench_memory [--count 200000] [--warm 10000] [--seconds 0]
RSS of both its processes once it is warm beside that at the end; --seconds ends it earlier, and then it says how many
requests there were.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.bench_gateway import run, write_gateway
from bench.peers import free_port, process, upstream_argv

_STEPS = 20
_BOUND = 5.0  # per cent


def rss_kib(pid: int) -> int:
    """Of the gateway and of its process that reads."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_rss_kib(one) for one in (str(pid), *children))


def _rss_kib(pid: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--warm", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=0.0, help="no new step after so many; 0: all of them")
    options = parser.parse_args()
    upstream, gateway = free_port(), free_port()
    with tempfile.TemporaryDirectory() as place, process(upstream_argv(upstream), upstream):
        settings, key = write_gateway(Path(place), gateway, upstream)
        argv = [sys.executable, "-m", "decision_layer", "serve", "--settings", str(settings)]
        url, headers = f"http://127.0.0.1:{gateway}/v1/chat/completions", {"authorization": f"Bearer {key}"}
        with process(argv, gateway) as served:
            run(url, headers, {"at_once": 32, "count": options.warm})
            first, done, errors, begin = rss_kib(served.pid), 0, 0.0, time.monotonic()
            print(f"{first} KiB after the first {options.warm} requests", flush=True)
            for step in range(_STEPS):
                found = run(url, headers, {"at_once": 32, "count": options.count // _STEPS, "stream": step % 2 == 1})
                done, errors, last = done + options.count // _STEPS, errors + found["errors"], rss_kib(served.pid)
                print(f"{last} KiB after {done} more, {found['per_second']:.0f}/s", flush=True)
                if options.seconds and time.monotonic() - begin > options.seconds:
                    break
    growth = (last - first) / first * 100
    print(f"{growth:+.1f} % over {done} requests (bound {_BOUND:g} %), {errors:.0f} errors")
    raise SystemExit(1 if growth > _BOUND or errors else 0)


if __name__ == "__main__":
    main()

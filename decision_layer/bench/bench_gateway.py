"""Latency that the gateway adds, and what it can take, beside a bare upstream, nginx and Portkey in the same run.

Run: .venv/bin/python -m bench.bench_gateway [--portkey DIR] [--count 20000] [--gateway PYTHON] [--beside PYTHON]
All on this machine: upstream, what is measured, and the load share its cores. Detection and durable audit are on, with
checkpoints in a second place. All run at the same time and are asked in turns, so that what else the machine does meets
each of them. The gateway is the release that the role builds, where `scripts/bootstrap --bench` has made it: compiled,
on the distribution's Python; else this checkout in this environment.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from bench.peers import free_port, nginx_argv, portkey_argv, process, upstream_argv

EXAMPLE = Path(__file__).parents[1] / "examples" / "hybrid-firm.yml"
PORTKEY = Path(__file__).parents[2] / ".cache" / "portkey"
"""Where `scripts/bootstrap --bench` puts it."""
RELEASE = Path(__file__).parents[2] / ".cache" / "decision-layer" / "bin" / "python"
BARS = {"p50": 2.0, "p99": 6.0, "first_p50": 2.0, "first_p99": 6.0}
"""Milliseconds that may be added."""
ENOUGH = 1200.0
"""Requests a second."""
RATE, ROUNDS = 100.0, 3
Target = tuple[str, dict[str, str]]


def write_gateway(folder: Path, port: int, upstream: int) -> tuple[Path, str]:
    """Settings file and a client's key; every rule ends at the upstream, as the home model."""
    document = yaml.safe_load(EXAMPLE.read_text())
    document["models"] = [model for model in document["models"] if model["zone"] == "home"]
    document["models"][0]["upstream"] = {"api": "openai", "url": f"http://127.0.0.1:{upstream}/v1", "model": "m"}
    document["rules"] = document["rules"][-1:]
    document["clients"] = [{"name": "load", "key": "load", "requests_per_minute": 10**9, "concurrent": 10**6}]
    key = secrets.token_hex(16)
    for name in ("credentials", "state", "second"):
        (folder / name).mkdir(parents=True)
    (folder / "credentials" / "load").write_text(key)
    (folder / "credentials" / "audit").write_text(secrets.token_hex(32))
    (folder / "policy.yml").write_text(yaml.safe_dump(document, sort_keys=False))
    settings = {"policy": str(folder / "policy.yml"), "credentials": str(folder / "credentials"), "port": port}
    places = {"state": str(folder / "state"), "second_place": str(folder / "second")}
    (folder / "settings.yml").write_text(yaml.safe_dump({**settings, **places}))
    return folder / "settings.yml", key


def run(url: str, headers: dict[str, str], what: dict[str, Any]) -> dict[str, float]:
    given = json.dumps({"url": url, "headers": headers, "what": what})
    argv = [sys.executable, str(Path(__file__).parent / "load.py")]
    done = subprocess.run(argv, input=given, capture_output=True, text=True, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def measure(targets: dict[str, Target], seconds: float, count: int) -> dict[str, dict[str, float]]:
    """Medians of the rounds, and all their errors; a round: a run at RATE, one with streams, and one flat out."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in targets}
    for url, headers in targets.values():
        run(url, headers, {"at_once": 8, "count": 500})
    for _ in range(ROUNDS):
        for name, (url, headers) in targets.items():
            steady = run(url, headers, {"rate": RATE, "seconds": seconds})
            streams = run(url, headers, {"rate": RATE, "seconds": seconds / 2, "stream": True})
            flat = run(url, headers, {"at_once": 32, "count": count // ROUNDS})
            one = {"p50": steady["p50"], "p99": steady["p99"]}
            one |= {"first_p50": streams["first_p50"], "first_p99": streams["first_p99"]}
            one |= {"per_second": flat["per_second"]}
            found[name].append(one | {"errors": steady["errors"] + streams["errors"] + flat["errors"]})
    return {name: _over_rounds(some) for name, some in found.items()}


def _over_rounds(some: list[dict[str, float]]) -> dict[str, float]:
    medians = {key: sorted(one[key] for one in some)[len(some) // 2] for key in some[0]}
    return medians | {"errors": sum(one["errors"] for one in some)}


def start(stack: ExitStack, folder: Path, portkey: Path | None, gateway: str, beside: str | None) -> dict[str, Target]:
    """The upstream itself, nginx, Portkey, the gateway, and another installation of it if there is one."""
    upstream, nginx, peer = (free_port() for _ in range(3))
    stack.enter_context(process(upstream_argv(upstream), upstream))
    path = "/v1/chat/completions"
    targets: dict[str, Target] = {"direct": (f"http://127.0.0.1:{upstream}{path}", {})}
    for_portkey = {
        "x-portkey-provider": "openai", "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1",
        "authorization": "Bearer none", "content-type": "application/json",
    }  # fmt: skip
    for name, argv, port, headers in (
        ("nginx", nginx_argv(folder, nginx, upstream), nginx, {}),
        ("portkey", portkey_argv(portkey, peer), peer, for_portkey),
    ):
        if argv is None:
            print(f"{name:10} is not on this machine; bench/peers.py says how to get it")
            continue
        stack.enter_context(process(argv, port))
        targets[name] = (f"http://127.0.0.1:{port}{path}", headers)
    for name, python in (("gateway", gateway), ("beside", beside)):
        if python is not None:
            port = free_port()
            settings, key = write_gateway(folder / name, port, upstream)
            argv = [python, "-m", "decision_layer", "serve", "--settings", str(settings)]
            stack.enter_context(process(argv, port))
            targets[name] = (f"http://127.0.0.1:{port}{path}", {"authorization": f"Bearer {key}"})
    return targets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    help_text = "folder with node_modules/@portkey-ai/gateway"
    parser.add_argument("--portkey", type=Path, default=PORTKEY, help=help_text)
    release = str(RELEASE if RELEASE.exists() else sys.executable)
    parser.add_argument("--gateway", default=release, help="the python of the installation that is measured")
    parser.add_argument("--beside", help="the python of another installation, to be measured in the same run")
    parser.add_argument("--count", type=int, default=20_000, help="requests flat out, in all rounds together")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run at a fixed rate")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        targets = start(stack, Path(place), options.portkey, options.gateway, options.beside)
        before = os.getloadavg()[0]
        found = measure(targets, options.seconds, options.count)
    print(
        f"milliseconds from outside; per_second: 32 at once; load average {before:.1f} before, {os.getloadavg()[0]:.1f}"
    )
    for name, one in found.items():
        print(f"{name:10} " + "  ".join(f"{key} {value:8.2f}" for key, value in one.items()))
    report(found, "the release" if options.gateway == str(RELEASE) else options.gateway)


def report(found: dict[str, dict[str, float]], what: str) -> None:
    """What each adds to the bare upstream, and how the gateway stands to its bars and to the peer."""
    added = {
        name: {key: one[key] - found["direct"][key] for key in BARS} | {"per_second": one["per_second"]}
        for name, one in found.items()
    }
    print("added to direct:")
    for name in [name for name in found if name != "direct"]:
        told = "  ".join(f"{key} {added[name][key]:6.2f}" for key in BARS)
        print(f"  {name:10} {told}  {added[name]['per_second']:7.0f}/s")
    print(f"gateway ({what}), {found['gateway']['errors']:.0f} errors:")
    own, peer = added["gateway"], added.get("portkey")
    for key, bar in {**BARS, "per_second": ENOUGH}.items():
        met = own[key] >= bar if key == "per_second" else own[key] <= bar
        line = f"  {key:10} {own[key]:8.2f}  bar {bar:7.1f}  {'met' if met else 'NOT MET'}"
        if peer is not None:
            ahead = own[key] > peer[key] if key == "per_second" else not own[key] >= peer[key]
            line += f"   portkey {peer[key]:8.2f}  {'ahead' if ahead else 'BEHIND'}"
        print(line)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Serve what NVML says of the cards, and what the plan says they shall hold, as Prometheus metrics.

Each reading is a process of its own (`--read`): a driver that hangs takes that process alone, and the next request says
`gpu_readable 0`. Clients sign in with HTTP Basic. What NVML does not give of a card is left out, never filled in. Text
format 0.0.4. Needs the probe's folder in PYTHONPATH, where pynvml.py and the reading of cards are.
"""

from __future__ import annotations

import argparse
import base64
import hmac
import json
import socketserver
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

Json = dict[str, Any]
READ_TIMEOUT_S = 8
"""Below Prometheus' own 10 s."""
CARD_METRICS = (
    ("gpu_memory_total_mib", "Memory of the card", ("memory", "total_mib")),
    ("gpu_memory_used_mib", "Memory in use, without what the driver reserves", ("memory", "used_mib")),
    ("gpu_memory_reserved_mib", "Memory that the driver reserves", ("memory", "reserved_mib")),
    ("gpu_utilization_percent", "Share of time with a kernel running", ("utilization_percent",)),
    ("gpu_power_watts", "Power drawn", ("power_w",)),
    ("gpu_power_limit_watts", "Power limit", ("power_limit_w",)),
    ("gpu_temperature_celsius", "Temperature of the chip", ("temperature_c",)),
    ("gpu_ecc_uncorrected_errors", "Uncorrected ECC errors since the driver was loaded", ("ecc_uncorrected",)),
)


def read_cards() -> Json:
    """What the probe reads, and the ECC counters of cards that have them."""
    import pynvml
    from probe_parts.cards import SIMULATED, read_nvml

    gpu: Json = {"devices": [], "driver_version": None, "error": None}
    read_nvml(pynvml, gpu)
    if gpu["nvml"]["ok"]:
        pynvml.nvmlInit()
        for device in gpu["devices"]:
            device["ecc_uncorrected"] = read_ecc(pynvml, device["index"])
        pynvml.nvmlShutdown()
    gpu["simulated"] = str(gpu["driver_version"]).endswith(SIMULATED)
    return gpu


def read_ecc(pynvml: Any, index: int) -> int | None:
    """None where the card counts none (GeForce) or did not say."""
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        kind, since = pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_VOLATILE_ECC
        return int(pynvml.nvmlDeviceGetTotalEccErrors(handle, kind, since))
    except pynvml.NVMLError:
        return None


def read_apart() -> Json:
    """The same from a process of its own. A failure is `nvml.ok` false with its text."""
    command = [sys.executable, __file__, "--read"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=READ_TIMEOUT_S, check=True)
        answer: Json = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        print(f"reading the cards: {error}", file=sys.stderr, flush=True)
        return {"nvml": {"ok": False}, "devices": [], "driver_version": None, "simulated": False}
    return answer


def render(gpu: Json, planned: Json) -> str:
    """The metrics as text. `planned`: cards (index, uuid) and engines (name, card, uuid, mib)."""
    readable = [device for device in gpu["devices"] if device.get("uuid")]
    by_index = {device["index"]: device["uuid"] for device in readable}
    lines = _metric("gpu_readable", "Whether NVML answered", [({}, int(bool(gpu["nvml"]["ok"])))])
    driver = {"version": str(gpu["driver_version"]), "simulated": str(bool(gpu["simulated"])).lower()}
    lines += _metric("gpu_driver_info", "Version of the driver", [(driver, 1)] if gpu["driver_version"] else [])
    for name, text, path in CARD_METRICS:
        values = [(_card(device, gpu), value) for device in readable if (value := _dig(device, path)) is not None]
        lines += _metric(name, text, values)
    lines += _metric(
        "gpu_planned_present",
        "Whether a planned card is there",
        [
            (
                {"card": str(card["index"]), "uuid": _uuid(card["uuid"], card["index"], by_index)},
                int(_is_there(card, by_index)),
            )
            for card in planned["cards"]
        ],
    )
    lines += _metric(
        "gpu_planned_memory_mib",
        "What a model shall hold on a card",
        [
            ({"engine": engine["name"], "uuid": _uuid(engine["uuid"], engine["card"], by_index)}, engine["mib"])
            for engine in planned["engines"]
        ],
    )
    return "\n".join(lines) + "\n"


def _uuid(planned: str, index: int, by_index: dict[int, str]) -> str:
    """The planned one; where the plan knows none, that of the card with this number."""
    return planned or by_index.get(index, "")


def _is_there(card: Json, by_index: dict[int, str]) -> bool:
    return card["uuid"] in by_index.values() if card["uuid"] else card["index"] in by_index


def _card(device: Json, gpu: Json) -> dict[str, str]:
    simulated = str(bool(gpu["simulated"])).lower()
    return {
        "card": str(device["index"]),
        "uuid": device["uuid"],
        "model": str(device.get("name")),
        "simulated": simulated,
    }


def _dig(device: Json, path: tuple[str, ...]) -> float | None:
    value: Any = device
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _metric(name: str, text: str, samples: list[tuple[dict[str, str], float]]) -> list[str]:
    if not samples:
        return []
    head = [f"# HELP {name} {text}.", f"# TYPE {name} gauge"]
    return head + [f"{name}{_labels(labels)} {value}" for labels, value in samples]


def _labels(labels: dict[str, str]) -> str:
    quoted = [f'{key}="{_escape(value)}"' for key, value in labels.items()]
    return "{" + ",".join(quoted) + "}" if quoted else ""


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class Server(socketserver.ThreadingMixIn, HTTPServer):
    """One reading at a time: several would only wait for the same driver."""

    daemon_threads = True

    def __init__(self, config: Json) -> None:
        super().__init__((config["address"], config["port"]), Handler)
        self.planned = config["planned"]
        self.wanted = base64.b64encode(f"{config['user']}:{config['password']}".encode())
        self.reading = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    server_version = "gpu-exporter"
    sys_version = ""
    timeout = 10
    server: Server

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Basic ").encode()
        if not hmac.compare_digest(given, self.server.wanted):
            self._answer(401, "sign in\n", {"WWW-Authenticate": 'Basic realm="gpu-exporter"'})
        elif self.path != "/metrics":
            self._answer(404, "only /metrics\n")
        else:
            with self.server.reading:
                gpu = read_apart()
            self._answer(200, render(gpu, self.server.planned))

    def _answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Four lines a minute of nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--read", action="store_true", help="print one reading as JSON")
    parser.add_argument(
        "--config", default="/etc/gpu-exporter/config.json", help="address, user, password and plan, JSON"
    )
    options = parser.parse_args()
    if options.read:
        print(json.dumps(read_cards()))
    else:
        Server(json.loads(Path(options.config).read_text(encoding="utf-8"))).serve_forever()


if __name__ == "__main__":
    main()

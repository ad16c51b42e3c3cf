"""The other process that runs the detectors: texts come in through a socket, findings go out, in the same order.

Run by gateway/scanner.py: python -m decision_layer.gateway.scan_process FD. It holds no key and opens no file after its
start. It ends when the gateway's end of the socket is closed, which the gateway's own end does too.
"""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterable

import msgspec

from decision_layer.detect import prepared
from decision_layer.detect.scan import scan as real_scan
from decision_layer.gateway.alarm import ALARM, TookTooLong
from decision_layer.parts import Finding, Part

log = logging.getLogger(__name__)
SIZE_BYTES = 4
TOO_LONG, FAILED = "timeout", "failed"
Scan = Callable[[Iterable[Part]], tuple[Finding, ...]]


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """The parts of one request, and for how long they may be read (in seconds)."""

    parts: tuple[Part, ...]
    seconds: float


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What was found, or why not: TOO_LONG or FAILED. The first one sent stands for "ready"."""

    findings: tuple[Finding, ...] = ()
    fault: str = ""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Asked)


def frame(message: Asked | Told) -> bytes:
    """The size, then the message."""
    body = _encoder.encode(message)
    return len(body).to_bytes(SIZE_BYTES, "little") + body


def answer(asked: Asked, scan: Scan) -> Told:
    """Never raises for what the text does."""
    try:
        with ALARM.after(asked.seconds):
            return Told(scan(asked.parts))
    except TookTooLong:
        return Told(fault=TOO_LONG)
    except Exception:
        log.exception("a detector failed")
        return Told(fault=FAILED)


def work(gate: socket.socket, scan: Scan) -> None:
    """Until the other end is closed."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # meant for the gateway, whose answers go on
        signal.signal(number, signal.SIG_IGN)
    prepared()
    gc.collect()
    gc.freeze()
    gate.sendall(frame(Told()))
    with gate.makefile("rb") as stream:
        while len(size := stream.read(SIZE_BYTES)) == SIZE_BYTES:
            body = stream.read(int.from_bytes(size, "little"))
            gate.sendall(frame(answer(_decoder.decode(body), scan)))


def main(scan: Scan = real_scan) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    with socket.socket(fileno=int(sys.argv[-1])) as gate:
        try:
            work(gate, scan)
        except (ConnectionError, msgspec.DecodeError):  # the gateway is gone, perhaps amid a message
            sys.exit(1)


if __name__ == "__main__":
    main()

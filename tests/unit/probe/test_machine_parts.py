"""Units, sockets, the way out and the driver, each against something real or recorded from something real."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from provision.models.observation import EgressOutcome, UnitObservation
    from tests.unit.probe.conftest import Probe

Part = Callable[[str], ModuleType]
# A kernel may run without IPv6.
IPV6_ADDRESSES = (
    [(socket.AF_INET6, socket.SOCK_STREAM, "::1"), (socket.AF_INET6, socket.SOCK_DGRAM, "::")]
    if Path("/proc/net/if_inet6").exists()
    else []
)
UNITS = ["llama-cpp@chat.service", "ssh.service", "nope.service"]


def units(probe: Probe, names: list[str], **environment: str) -> tuple[UnitObservation, ...]:
    seen = probe({"units": names}, **environment).units
    assert seen is not None
    return seen


def try_egress(probe: Probe, user: str, host: str, port: int) -> EgressOutcome:
    seen = probe({"egress": [{"user": user, "host": host, "port": port}]}).egress
    assert seen is not None
    return seen[0]


def test_units_are_told_in_the_order_asked(probe: Probe) -> None:
    engine, ssh, nope = units(probe, UNITS)
    assert (engine.name, engine.active_state, engine.sub_state) == ("llama-cpp@chat.service", "active", "running")
    assert (engine.main_pid, engine.user, engine.restarts, engine.memory_mib) == (265, "llama-cpp", 0, 114)
    assert engine.exec_main_start_monotonic_us == 3510153141
    assert engine.active_enter_unix_s == 1795319194
    assert (ssh.user, ssh.unit_file_state) == ("root", "enabled")
    assert (nope.load_state, nope.active_state, nope.main_pid) == ("not-found", "inactive", None)
    assert (nope.user, nope.active_enter_unix_s, nope.memory_mib, nope.error) == (None, None, None, None)


def test_units_that_cannot_be_asked_for_say_so(probe: Probe) -> None:
    (unit,) = units(probe, ["other.service"])
    assert unit.active_state is None
    assert "could not be asked for" in (unit.error or "")


def test_no_systemctl_is_told(probe: Probe) -> None:
    (unit,) = units(probe, ["ssh.service"], PATH="/nonexistent")
    assert "systemctl" in (unit.error or "")


@pytest.mark.parametrize(
    ("family", "kind", "address"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"),
        (socket.AF_INET, socket.SOCK_STREAM, "0.0.0.0"),  # noqa: S104
        (socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.2"),
        *IPV6_ADDRESSES,
    ],
)
def test_a_listening_socket_is_found_with_its_process(
    probe: Probe, family: socket.AddressFamily, kind: socket.SocketKind, address: str
) -> None:
    protocol = "tcp" if kind == socket.SOCK_STREAM else "udp"
    with socket.socket(family, kind) as listener:
        listener.bind((address, 0))
        port = listener.getsockname()[1]
        if protocol == "tcp":
            assert port not in _ports(probe, protocol)  # bound, and not yet listening
            listener.listen()
        seen = probe({"listeners": True}).listeners
        assert seen is not None
        (found,) = [entry for entry in seen.sockets if entry.port == port and entry.protocol == protocol]
        assert (found.address, found.pid) == (address, os.getpid())
        assert found.process
    assert port not in _ports(probe, protocol)


def _ports(probe: Probe, protocol: str) -> list[int]:
    seen = probe({"listeners": True}).listeners
    assert seen is not None
    return [entry.port for entry in seen.sockets if entry.protocol == protocol]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("0::/system.slice/system-llama\\x2dcpp.slice/llama-cpp@chat.service\n", "llama-cpp@chat.service"),
        ("9:name=systemd:/lxc.payload.x/system.slice/ssh.service\n4:memory:/a.service\n", "ssh.service"),
        ("0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"),
        ("0::/\n", None),
    ],
)
def test_the_unit_of_a_process(part: Part, tmp_path: Path, text: str, unit: str | None) -> None:
    (tmp_path / "cgroup").write_text(text)
    assert part("sockets").read_unit(tmp_path) == unit


def _me() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


def test_a_connection_that_opens_and_one_that_is_refused(probe: Probe) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        egress = try_egress(probe, _me(), "127.0.0.1", port)
        assert (egress.outcome, egress.error, egress.user) == ("connected", None, _me())
    egress = try_egress(probe, _me(), "127.0.0.1", port)
    assert egress.outcome == "refused"


def test_an_answer_that_never_comes_is_a_timeout(probe: Probe) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        with socket.create_connection(address):  # the queue is full now
            egress = try_egress(probe, _me(), address[0], address[1])
    assert egress.outcome == "timeout"
    assert egress.seconds == pytest.approx(3, abs=1)


def test_a_test_that_could_not_be_made_is_no_statement(probe: Probe) -> None:
    egress = try_egress(probe, "no-such-user", "127.0.0.1", 1)
    assert egress.outcome == "error"
    assert "no-such-user" in (egress.error or "")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (PermissionError(1, "x"), "denied"),
        (OSError(101, "x"), "unreachable"),
        (OSError(113, "x"), "unreachable"),
        (OSError(22, "x"), "error"),
        (TimeoutError(), "timeout"),
    ],
)
def test_what_a_firewall_answers_has_a_name(part: Part, error: Exception, outcome: str) -> None:
    assert part("egress").name_outcome(error) == outcome


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\n", "550.54.14"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  590.48.01  Release Build\n", "590.48.01"),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54  Mon\nGCC version:  gcc 12.2.0\n", "535.54"),
        ("... UNIX Open Kernel Module for x86_64  580.126.18-simulated  (simulated)\n", "580.126.18-simulated"),
    ],
)
def test_both_forms_of_the_kernel_modules_version(part: Part, text: str, version: str) -> None:
    assert part("driver").parse_kernel_module(text) == version


@pytest.mark.parametrize("text", ["", "GCC version:  gcc 12.2.0", "Kernel Module  580.126.18x"])
def test_no_version_is_an_error_and_no_guess(part: Part, text: str) -> None:
    with pytest.raises(ValueError, match="no kernel module version"):
        part("driver").parse_kernel_module(text)


def test_secrets_in_arguments_are_not_told(part: Part) -> None:
    argv = ["x", "--api-key", "s3cret", "--api-key-file", "/f", "--hf-token=s3cret", "--port", "1"]
    told = part("process").redact(argv)
    assert "s3cret" not in " ".join(told)
    assert told[4:] == ["/f", "--hf-token=[redacted]", "--port", "1"]

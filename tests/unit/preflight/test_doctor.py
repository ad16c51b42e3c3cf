"""`provision doctor --profile` as a user types it, over real ssh to a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from provision.cli.main import run
from provision.errors import SetupError
from provision.models.node import NodeLogin
from provision.pipeline.node import read_node
from tests.unit.preflight.ssh_node import NodeServer, serve_node
from tests.unit.preflight.written_nodes import WrittenNode

Captured = pytest.CaptureFixture[str]
ASKED = ["doctor", "--profile", "sme-2x4090", "--set", "platform.host=127.0.0.1"]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PROVISION_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def server(pve9: WrittenNode) -> NodeServer:
    return NodeServer(paramiko.ECDSAKey.generate(), pve9.programs)


@pytest.fixture
def login(server: NodeServer, tmp_path: Path) -> Iterator[NodeLogin]:
    """How the server is reached: a key and a known_hosts file of its own, as a live node has the administrator's."""
    host_key = paramiko.ECDSAKey.generate()
    assert isinstance(server.allowed, paramiko.ECDSAKey)
    server.allowed.write_private_key_file(str(tmp_path / "key"))
    with serve_node(server, host_key) as port:
        known = f"[127.0.0.1]:{port} {host_key.get_name()} {host_key.get_base64()}\n"
        (tmp_path / "known_hosts").write_text(known)
        yield NodeLogin(
            machine="127.0.0.1",
            address="127.0.0.1",
            port=port,
            user="root",
            private_key=str(tmp_path / "key"),
            known_hosts=str(tmp_path / "known_hosts"),
        )


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, login: NodeLogin) -> NodeLogin:
    monkeypatch.setattr("provision.pipeline.doctor.node_login", lambda profile: login)
    return login


def test_the_whole_way(use: NodeLogin, server: NodeServer, capsys: Captured, tmp_path: Path) -> None:
    """Proxmox's programs are stand-ins, this machine's own files are what they are: no PVE kernel, no card."""
    code = run([*ASKED, "--json"])
    report = json.loads(capsys.readouterr().out)
    assert (code, report["exit_code"]) == (5, 5)
    assert (report["pve"], report["profile"], report["driver"]) == ("9.1.1", "sme-2x4090", None)
    checks = {finding["check"] for finding in report["findings"]}
    assert {"kernel_headers", "cards", "driver"} <= checks
    assert not {"proxmox", "storage", "template", "locks", "clock"} & checks, "what the stand-ins answer is in order"
    assert set(report["findings"][0]) == {"check", "severity", "concerns", "what", "where", "hint"}
    assert server.commands == ['printf %s "$SSH_CONNECTION"', "python3 -"]
    assert not (tmp_path / "home").exists(), "doctor writes nothing here either"


def test_as_a_person_reads_it(use: NodeLogin, capsys: Captured) -> None:
    assert run(ASKED) == 5
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Node ")
    assert "Proxmox VE 9.1.1" in lines[0]
    first = next(at for at, line in enumerate(lines) if line.startswith("Error: "))
    assert lines[first + 1].startswith("Where: node ")
    assert lines[first + 2].startswith(" Hint: ")
    kinds = [line.split(":")[0] for line in lines if line.startswith(("Error:", "Warning:"))]
    assert kinds == sorted(kinds), "errors come first"
    assert f"{kinds.count('Error')} error" in lines[-1]
    assert lines[-1].endswith("Nothing was changed.")


def test_the_text_form_of_a_warning_lines_up(use: NodeLogin, pve9: WrittenNode, capsys: Captured) -> None:
    pve9.answer(("timedatectl", "show", "--property=NTPSynchronized", "--value"), "no\n")
    run(ASKED)
    shown = capsys.readouterr().out
    assert "Warning: the clock is not synchronised" in shown
    assert "\n  Where: node " in shown
    assert "\n   Hint: systemctl status chrony" in shown


def test_a_machine_that_is_no_proxmox_node(use: NodeLogin, pve9: WrittenNode, capsys: Captured) -> None:
    for program in pve9.programs.iterdir():
        program.unlink()
    assert run([*ASKED, "--json"]) == 5
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert (found["check"], found["severity"]) == ("proxmox", "error")
    assert "the command pveversion is missing" in found["what"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--profile", "sme-2x4090"], 3, "platform.host=NODE"),
        (["--profile", "scaleway-h100"], 3, "platform.host=NODE"),
        (["--set", "platform.host=pve1"], 2, "no profile is named"),
        (["--client", "nobody"], 2, "provision init nobody"),
        (["--profile", "sme-2x4090", "--set", "platform.host=pve1.invalid"], 7, "has no address"),
        ([*ASKED[1:], "--set", "platform.port=1"], 7, "nothing listens for ssh"),
        ([*ASKED[1:], "--set", "hardware.memory=1GB"], 4, "memory"),
    ],
)
def test_what_stops_it_is_one_clear_error(arguments: list[str], code: int, words: str, capsys: Captured) -> None:
    assert run(["doctor", *arguments]) == code
    shown = capsys.readouterr().err
    assert words in shown
    assert [line[:7] for line in shown.splitlines()[:3]] == ["Error: ", "Where: ", " Hint: "]
    assert "Traceback" not in shown


def test_an_unknown_host_key_is_refused(use: NodeLogin, server: NodeServer, capsys: Captured) -> None:
    Path(use.known_hosts).write_text("# nobody\n")
    assert run(ASKED) == 7
    assert "has a host key that is not known" in capsys.readouterr().err
    assert server.commands == []


def test_a_node_whose_python_fails(login: NodeLogin, pve9: WrittenNode) -> None:
    stand_in = pve9.programs / "python3"
    stand_in.write_text("#!/bin/sh\ncat > /dev/null\necho 'python3: broken' >&2\nexit 127\n")
    stand_in.chmod(0o755)
    with pytest.raises(SetupError, match="python3: broken"):
        read_node(login)
    stand_in.write_text("#!/bin/sh\ncat > /dev/null\necho '{\"format\": 2}'\n")
    with pytest.raises(SetupError, match="format"):
        read_node(login)


def test_without_a_profile_it_examines_this_machine(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr("provision.pipeline.doctor.missing_requirements", lambda: [])
    assert run(["doctor"]) == 0
    assert capsys.readouterr().out == "Everything the lab needs is here.\n"


def test_a_plain_host_the_whole_way(use: NodeLogin, capsys: Captured) -> None:
    """This machine's own files: no card, another address; nothing of Proxmox is said."""
    code = run(["doctor", "--profile", "hetzner-rtx6000", "--set", "platform.host=127.0.0.1", "--json"])
    found = {one["check"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert code in {4, 5}
    assert {"cards", "host_network"} <= set(found)
    assert not {"proxmox", "storage", "template"} & set(found)
    assert found["host_network"]["where"].startswith("host ")

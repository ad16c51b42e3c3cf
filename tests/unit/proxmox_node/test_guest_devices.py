"""root's command on a Proxmox node: what it sets, what it refuses, and that it never lets pct do anything else."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.proxmox_node.conftest import CLIENT, COMMAND, GUEST, HEALTHY, KEY, StandInNode

CARDS = ("/dev/nvidia0", "/dev/nvidia1", "/dev/nvidiactl", "/dev/nvidia-uvm")
SET = ("set", CLIENT, GUEST, "44")


def entries(*paths: str, gid: int = 44) -> dict[str, str]:
    return {f"dev{place}": f"{path},gid={gid},mode=0660" for place, path in enumerate(paths)}


def assert_refused(node: StandInNode, words: tuple[str, ...], code: int, text: str) -> None:
    """With one line that says it, and without a change."""
    before = node.config
    ended = node.run(*words)
    assert (ended.code, ended.out) == (code, "")
    assert text in ended.err
    assert ended.err.count("\n") == 1
    assert node.config == before
    assert not [call for call in node.calls if call[0] != "config"]


def test_it_is_small_and_of_the_standard_library_of_python_3_9() -> None:
    text = COMMAND.read_text()
    assert len(text.splitlines()) <= 100
    assert text.startswith("#!/usr/bin/python3 -I\n")
    tree = ast.parse(text, feature_version=(3, 9))
    imported = {alias.name for part in ast.walk(tree) if isinstance(part, ast.Import) for alias in part.names}
    assert imported == {"json", "os", "re", "resource", "stat", "subprocess", "sys"}
    assert not [part for part in ast.walk(tree) if isinstance(part, ast.ImportFrom)]
    assert {part.arg for part in ast.walk(tree) if isinstance(part, ast.keyword)}.isdisjoint({"shell", "executable"})


def test_devices_are_set_in_one_call_and_only_once(node: StandInNode) -> None:
    first = node.run(*SET, *CARDS)
    wanted = entries(*CARDS)
    assert json.loads(first.out) == {"changed": True, "devices": list(wanted.values())}
    options = [word for key, value in wanted.items() for word in (f"--{key}", value)]
    assert node.calls == [["config", GUEST], ["set", GUEST, *options]]
    assert node.config == HEALTHY | wanted
    second = node.run(*SET, *CARDS)
    assert json.loads(second.out) == {"changed": False, "devices": list(wanted.values())}
    assert node.calls[2:] == [["config", GUEST]]


def test_pct_gets_no_environment_of_the_callers(node: StandInNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERL5LIB", "/tmp/of-the-caller")  # noqa: S108 - only a text
    assert node.run(*SET, *CARDS).code == 0
    assert all(set(names) <= {"PATH", "LC_ALL", "LC_CTYPE"} for names in node.environments)


@pytest.mark.parametrize("gone", [["dev2", "dev3"], ["dev0", "dev1", "dev2", "dev3"]])
def test_what_is_not_wanted_any_more_is_deleted(node: StandInNode, gone: list[str]) -> None:
    node.reset(config=HEALTHY | entries(*CARDS))
    assert json.loads(node.run(*SET, *CARDS[: 4 - len(gone)]).out)["changed"]
    assert node.calls[1:] == [["set", GUEST, "--delete", ",".join(gone)]]


def test_only_what_differs_is_set(node: StandInNode) -> None:
    """Another group, a further option; the long form and another order of the same are no difference."""
    present = entries(*CARDS) | {"dev1": "/dev/nvidia1,gid=104,mode=0660", "dev3": "/dev/nvidia-uvm,mode=0660,gid=44"}
    node.reset(config=HEALTHY | present | {"dev0": "path=/dev/nvidia0,gid=44,mode=0660", "dev2": CARDS[2]})
    assert node.run(*SET, *CARDS).code == 0
    wanted = entries(*CARDS)
    assert node.calls[1:] == [["set", GUEST, "--dev1", wanted["dev1"], "--dev2", wanted["dev2"]]]


@pytest.mark.parametrize("key", ["dev0", "dev9"])
@pytest.mark.parametrize(
    "value",
    [
        "/dev/net/tun,mode=0666",
        "/dev/dri/renderD128",
        "/dev/nvidia0/../sda",
        "path=/dev/sda",
        "gid=1,path=/dev/nvidia0",
    ],
)
def test_a_foreign_device_is_neither_overwritten_nor_deleted(node: StandInNode, key: str, value: str) -> None:
    node.reset(config=HEALTHY | entries(*CARDS) | {key: value})
    for paths in ((), CARDS):
        assert_refused(node, (*SET, *paths), 3, f"{key} of guest 101 is no NVIDIA device")


@pytest.mark.parametrize("verb", [("set", "44"), ("show",), ("hostkeys",)])
@pytest.mark.parametrize(
    ("guests", "client"),
    [
        ({"acme": [102], "other": [101]}, "acme"),
        ({"acme": [101]}, "other"),
        ({"acme": ["101"]}, "acme"),
        ({"acme": "101"}, "acme"),
        ({"acme": 101}, "acme"),
        ({"acme": {"101": 1}}, "acme"),
        ([101], "acme"),
        ({}, "acme"),
    ],
)
def test_only_guests_that_root_listed_for_the_client(
    node: StandInNode, verb: tuple[str, ...], guests: object, client: str
) -> None:
    node.reset(config=HEALTHY | {"tags": "provision-acme;provision-other"})
    node.list_guests(guests)
    assert_refused(node, (verb[0], client, GUEST, *verb[1:]), 3, f"is not listed for client {client}")
    assert node.calls == []


@pytest.mark.parametrize("verb", [("set", "44"), ("show",), ("hostkeys",)])
@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"tags": "provision"}, "does not have the tag provision-acme"),
        ({"tags": "provision-acme2;xprovision-acme;provision-acm"}, "does not have the tag"),
        ({"tags": "provision-other"}, "does not have the tag"),
        ({"tags": ""}, "does not have the tag"),
        ({"unprivileged": "0"}, "is privileged"),
        ({"unprivileged": ""}, "is privileged"),
        ({"unprivileged": "10"}, "is privileged"),
        ({"arch": "amd64\ntags: provision-acme"}, "without doubt"),
        ({"description": "x\nunprivileged: 1"}, "without doubt"),
    ],
)
def test_only_unprivileged_guests_with_the_tag(
    node: StandInNode, verb: tuple[str, ...], change: dict[str, str], text: str
) -> None:
    node.reset(config=HEALTHY | change)
    assert_refused(node, (verb[0], CLIENT, GUEST, *verb[1:]), 3, text)


def test_a_container_that_does_not_say_that_it_is_unprivileged(node: StandInNode) -> None:
    node.reset(config={"tags": "provision-acme"})
    assert_refused(node, SET, 3, "is privileged")
    node.reset(config={"env": "A=1\nunprivileged: 1", "hostname": "x", "tags": "provision-acme"})
    assert_refused(node, SET, 3, "without doubt")


@pytest.mark.parametrize("tags", ["provision-acme", "a,provision-acme", "a provision-acme b", "a; provision-acme"])
def test_every_separator_of_tags(node: StandInNode, tags: str) -> None:
    node.reset(config=HEALTHY | {"tags": tags})
    assert node.run(*SET, *CARDS).code == 0


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_list_that_others_may_write_is_refused(node: StandInNode, mode: int) -> None:
    node.guests.chmod(mode)
    assert_refused(node, (*SET, *CARDS), 3, "must be root's")
    assert node.calls == []


def test_a_list_that_is_not_roots_or_no_plain_file_is_refused(
    node: StandInNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(node.module, "ROOT", os.geteuid() + 1)
        patch.setattr(os, "geteuid", lambda: node.module.ROOT)
        assert_refused(node, (*SET, *CARDS), 3, "must be root's")
    real = node.guests.rename(node.home / "elsewhere.json")
    assert_refused(node, (*SET, *CARDS), 3, "FileNotFoundError")
    node.guests.symlink_to(real)
    assert_refused(node, (*SET, *CARDS), 3, "OSError")
    node.guests.unlink()
    node.guests.mkdir(0o755)
    assert_refused(node, (*SET, *CARDS), 3, "IsADirectoryError")
    node.guests.rmdir()
    node.guests.write_bytes(b'{"acme": [101')
    assert_refused(node, (*SET, *CARDS), 3, "JSONDecodeError")
    node.guests.write_bytes(b'{"acme": [101], "\xff": 1}')
    assert_refused(node, (*SET, *CARDS), 3, "UnicodeDecodeError")
    assert node.calls == []


def test_only_root(node: StandInNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node.module, "ROOT", os.geteuid() + 1)
    assert_refused(node, (*SET, *CARDS), 2, "as root only")
    assert node.calls == []


def test_a_device_is_there_and_is_no_link(node: StandInNode, tmp_path: Path) -> None:
    character, link = os.lstat("/dev/null"), tmp_path / "link"
    link.symlink_to("/dev/null")
    node.nodes = {CARDS[0]: character}
    assert node.run(*SET, CARDS[0]).code == 0
    node.reset()
    assert_refused(node, (*SET, *CARDS[:2]), 1, "Device /dev/nvidia1 does not exist")
    for other in (os.lstat(link), tmp_path.lstat(), node.guests.lstat()):
        node.nodes[CARDS[1]] = other
        assert_refused(node, (*SET, *CARDS[:2]), 1, "Device /dev/nvidia1 does not exist")
    assert node.calls == []


def test_how_many_and_each_once(node: StandInNode) -> None:
    many = tuple(f"/dev/nvidia{number}" for number in range(33))
    assert node.run(*SET, *many[:32]).code == 0
    node.reset()
    assert_refused(node, (*SET, *many), 2, "at most 32 different")
    assert_refused(node, (*SET, CARDS[0], CARDS[1], CARDS[0]), 2, "at most 32 different")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("set",),
        ("set", CLIENT, GUEST),
        ("show", CLIENT),
        ("show", CLIENT, GUEST, "44"),
        ("hostkeys", CLIENT, GUEST, ""),
        ("Set", CLIENT, GUEST, "44"),
        ("--help", CLIENT, GUEST),
        ("sho", CLIENT, GUEST),
        ("destroy", CLIENT, GUEST),
    ],
)
def test_other_words_are_refused(node: StandInNode, words: tuple[str, ...]) -> None:
    assert_refused(node, words, 2, "usage: provision-guest-devices")
    assert node.calls == []


def test_show(node: StandInNode) -> None:
    assert json.loads(node.run("show", CLIENT, GUEST).out) == {"devices": {}}
    node.reset(config=HEALTHY | entries(*CARDS))
    assert json.loads(node.run("show", CLIENT, GUEST).out) == {"devices": entries(*CARDS)}
    assert node.calls == [["config", GUEST]]


def test_host_key(node: StandInNode) -> None:
    assert node.run("hostkeys", CLIENT, GUEST).out == f"{KEY}\n"
    assert node.calls[1:] == [["exec", GUEST, "--", "cat", "/etc/ssh/ssh_host_ed25519_key.pub"]]


def test_a_guest_may_answer_anything(node: StandInNode) -> None:
    node.reset(answer=f"\x1b[2J motd\n{KEY}\nssh-ed25519 \x07\n@cert-authority * {KEY}\n")
    assert node.run("hostkeys", CLIENT, GUEST).out == f"{KEY}\n"
    node.reset(answer="cat: no such file\n")
    ended = node.run("hostkeys", CLIENT, GUEST)
    assert (ended.code, ended.out, ended.err) == (1, "", "guest 101 told no ssh-ed25519 key\n")


@pytest.mark.parametrize("failing", ["config", "set", "exec"])
def test_pct_fails(node: StandInNode, failing: str) -> None:
    node.reset(failing=[failing])
    ended = node.run(*(("hostkeys", CLIENT, GUEST) if failing == "exec" else (*SET, *CARDS)))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"pct {failing} 101: 400 Parameter ?[31mverification failed\n"


def test_pct_hangs_or_is_not_there(node: StandInNode, monkeypatch: pytest.MonkeyPatch) -> None:
    node.reset(delay_s=60)
    monkeypatch.setattr(node.module, "TIMEOUT_S", 0.5)
    assert_refused(node, SET, 1, "pct config 101: TimeoutExpired")
    node.pct.unlink()
    assert_refused(node, SET, 1, "pct config 101: FileNotFoundError")


def run_as_program(node: StandInNode, *words: str) -> subprocess.CompletedProcess[bytes]:
    """The command as its own process; only the three paths and numbers that bind it to a node are others."""
    text = COMMAND.read_text()
    here = f'PCT, GUESTS, ROOT = "{node.pct}", "{node.guests}", {os.geteuid()}\n'
    for old, new in (
        ('PCT, GUESTS, ROOT = "/usr/sbin/pct", "/etc/provision/guests.json", 0\n', here),
        ("MEMORY, MOST_NODES, MOST_GID = 60, 2**30,", "MEMORY, MOST_NODES, MOST_GID = 60, 2**28,"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    program = node.home / "program"
    program.write_text(text)
    return subprocess.run([sys.executable, "-I", program, *words], capture_output=True, timeout=60, check=False)


def test_as_a_program_with_bytes_that_are_no_text(node: StandInNode) -> None:
    assert run_as_program(node, "hostkeys", CLIENT, GUEST).stdout.decode() == f"{KEY}\n"
    ended = run_as_program(node, *SET, os.fsdecode(b"/dev/nvidia\xff"))
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr == b"at most 32 different NVIDIA devices, not /dev/nvidia?\n"


def test_a_guest_that_answers_without_end_does_not_take_the_nodes_memory(node: StandInNode) -> None:
    node.reset(answer="0" * 2**20, answers=20)
    assert run_as_program(node, "hostkeys", CLIENT, GUEST).stderr == b"guest 101 told no ssh-ed25519 key\n"
    node.reset(answer="0" * 2**20, answers=2000)
    ended = run_as_program(node, "hostkeys", CLIENT, GUEST)
    assert ended.returncode == 1
    assert ended.stderr == b"pct exec 101: MemoryError \n"

"""root's command under hostile arguments: whatever is not plainly allowed ends before pct is called at all.

The world around is as permissive as it can be: every path is a character device, and root's list and the container's
tag agree to whatever client and guest the arguments name. So nothing but the checks of the arguments stands between.
What is allowed is told here a second time, in another way (sets and round trips, not patterns).
"""

from __future__ import annotations

import json
from contextlib import suppress
from string import ascii_lowercase, digits

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.proxmox_node.conftest import CLIENT, GUEST, HEALTHY, KEY, StandInNode

NODES = {
    *("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset"),
    *(f"/dev/nvidia{number}" for number in range(100)),
    *(f"/dev/nvidia{number:02}" for number in range(100)),
    *(f"/dev/nvidia-caps/nvidia-cap{number:0{width}}" for width in (1, 2, 3) for number in range(1000)),
}
PRESENT = {"dev0": "/dev/nvidia9,gid=1,mode=0660", "dev40": "/dev/nvidiactl"}
HOSTILE = [
    *("", " ", "-", "--", "--dev0", "--delete", "-dev0=/dev/sda", "--rootfs", "--current", "-h", "0", "$(id)", "a;b"),
    *(
        "1\u0660\u0661",
        "4\u0664",
        "\u0661\u0660\u0661",
        "\uff11\uff10\uff11",
        "\u00b9\u00b2\u00b3",
        "101\n",
        "\n101",
        " 101",
        "101 ",
        "+101",
        "0101",
    ),
    *("1_01", "1e3", "0x65", "-101", "101.0", "99", "00", "044", "1000000000", "65536", "9" * 40, "1" * 5000),
    *("acme\n", "Acme", "\u0430cme", "acme_", "a" * 41, "9acme", "-acme", "acme;x", "acme,other", "acm\u00e9"),
    *("/dev/sda", "/dev/mem", "/dev/nvidia", "/dev/nvidia100", "/dev/nvidia-1", "/dev/nvidia-cap1", "/dev/nvidia-caps"),
    *("/dev/nvidia0\n", "/dev/nvidia0 ", "/dev/nvidia0,gid=0", "/dev/nvidia0,path=/dev/sda", "/dev/nvidia0=1"),
    *(
        "/dev//nvidia0",
        "//dev/nvidia0",
        "/dev/./nvidia0",
        "/dev/../dev/nvidia0",
        "/dev/nvidia0/../sda",
        "/dev/nvidia0/",
    ),
    *("/dev/nvidia-caps/../sda", "/dev/nvidia-caps/nvidia-cap1234", "/dev/nvidia-caps/nvidia-cap", "dev/nvidia0"),
    *(
        "/DEV/NVIDIA0",
        "/dev/nvidia\u0663",
        "/dev/nvidia\uff13",
        "path=/dev/nvidia0",
        "/dev/nvidia0\x00",
        "\x00",
        "\ud800",
    ),
    *(
        "/dev/nvidia\udcb3",
        "\udcff",
        "/dev/nvidia0\r",
        "/dev/nvidia0\u2028",
        "/dev/nvidia-uvm-tools-x",
        "/dev/nvidiactl0",
    ),
]
PIECES = ["\n", " ", ",", "=", "/", "..", "0", "9", "\u0663", "\udc80", "-", "--", "\0", "A", "\t", ";", "\u00ad"]


def hostile(usual: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Mostly the usual; else one with a piece put into it, one of the known tricks, or any text."""
    spoilt = st.builds(
        lambda text, place, piece: text[:place] + piece + text[place:],
        usual,
        st.integers(0, 30),
        st.sampled_from(PIECES),
    )
    return st.one_of(usual, usual, usual, usual, usual, spoilt, st.sampled_from(HOSTILE), st.text(max_size=8))


CLIENTS = st.one_of(st.just(CLIENT), st.from_regex(r"\A[a-z][a-z0-9-]{0,39}\Z"))
GUEST_IDS = st.one_of(st.just(GUEST), st.integers(90, 1_000_000_010).map(str))
GIDS = st.one_of(st.just("44"), st.integers(0, 65_600).map(str))
PATHS = st.sampled_from(sorted(NODES))
ARGUMENTS = st.tuples(
    hostile(st.sampled_from(["set", "set", "set", "show", "hostkeys"])),
    hostile(CLIENTS),
    hostile(GUEST_IDS),
    st.lists(hostile(GIDS), max_size=1),
    st.lists(hostile(PATHS), max_size=34),
).map(lambda parts: [*parts[:3], *parts[3], *parts[4]])
ALLOWED = st.tuples(
    CLIENTS,
    st.integers(100, 999_999_999).map(str),
    st.integers(0, 65_535).map(str),
    st.lists(PATHS, max_size=32, unique=True),
)
FUZZ = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def is_client(text: str) -> bool:
    letters = set(ascii_lowercase)
    return 0 < len(text) <= 40 and text[0] in letters and set(text) <= letters | set(digits) | {"-"}


def is_number(text: str, least: int, most: int) -> bool:
    return 0 < len(text) < 12 and set(text) <= set(digits) and text == str(int(text)) and least <= int(text) <= most


def is_allowed(words: list[str]) -> bool:
    if len(words) < 3 or not is_client(words[1]) or not is_number(words[2], 100, 999_999_999):
        return False
    if words[0] != "set":
        return words[0] in {"show", "hostkeys"} and len(words) == 3
    paths = words[4:]
    plain = len(words) > 3 and is_number(words[3], 0, 65_535) and set(paths) <= NODES
    return plain and len(paths) <= 32 and len(set(paths)) == len(paths)


def agree(node: StandInNode, words: list[str]) -> None:
    """Make root's list and the container's tag what the arguments say, however they would be read."""
    client, guest = (*words, "", "", "")[1:3]
    number = 0
    with suppress(ValueError):
        number = int(guest)
    tags = f"provision-{client}".encode("utf-8", "replace").decode()
    node.reset(config=HEALTHY | PRESENT | {"tags": tags})
    node.list_guests({client: [number]})


def assert_plain(call: list[str], words: list[str]) -> None:
    """A call of pct that these arguments may lead to, told word by word."""
    verb, guest, *rest = call
    assert guest == words[2]
    if verb == "exec":
        assert words[0] == "hostkeys"
        assert rest == ["--", "cat", "/etc/ssh/ssh_host_ed25519_key.pub"]
    elif verb == "set":
        assert words[0] == "set"
        assert len(rest) % 2 == 0
        values = {f"--dev{place}": f"{path},gid={words[3]},mode=0660" for place, path in enumerate(words[4:])}
        for option, value in zip(rest[::2], rest[1::2], strict=True):
            assert value in {"dev0", "dev40", "dev0,dev40"} if option == "--delete" else value == values[option]
    else:
        assert (verb, rest) == ("config", [])


@FUZZ
@given(words=ARGUMENTS)
def test_hostile_arguments_never_reach_pct(node: StandInNode, words: list[str]) -> None:
    agree(node, words)
    before = node.config
    ended = node.run(*words)
    assert ended.err.count("\n") == (1 if ended.code else 0)
    assert ended.err.rstrip("\n").isprintable()
    assert ended.err.isascii()
    if is_allowed(words):
        assert ended.code == 0
        for call in node.calls:
            assert_plain(call, words)
    else:
        assert (ended.code, ended.out, node.calls, node.config) == (2, "", [], before)


@pytest.mark.parametrize("place", [1, 2, 3, 4])
@pytest.mark.parametrize("trick", HOSTILE)
def test_every_known_trick_in_every_place(node: StandInNode, trick: str, place: int) -> None:
    words = ["set", CLIENT, GUEST, "44", "/dev/nvidia0"]
    words[place] = trick
    agree(node, words)
    ended = node.run(*words)
    if is_allowed(words):
        assert ended.code == 0
    else:
        assert (ended.code, ended.out, node.calls) == (2, "", [])


@settings(FUZZ, max_examples=60)
@given(allowed=ALLOWED)
def test_what_is_allowed_is_done_exactly(node: StandInNode, allowed: tuple[str, str, str, list[str]]) -> None:
    client, guest, gid, paths = allowed
    words = ["set", client, guest, gid, *paths]
    assert is_allowed(words)
    agree(node, words)
    kept = HEALTHY | {"tags": f"provision-{client}"}
    devices = [f"{path},gid={gid},mode=0660" for path in paths]
    assert json.loads(node.run(*words).out) == {"changed": True, "devices": devices}
    assert node.config == kept | {f"dev{place}": value for place, value in enumerate(devices)}
    assert json.loads(node.run(*words).out) == {"changed": False, "devices": devices}
    assert json.loads(node.run("show", client, guest).out)["devices"] == dict(node.config.items() - kept.items())
    assert node.run("hostkeys", client, guest).out == f"{KEY}\n"

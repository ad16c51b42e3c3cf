"""Which processes and control groups count as one guest's, by name alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from provision.lab import remains
from provision.lab.places import container_name


def group_line(container: str, suffix: str = "") -> str:
    return f"4:memory:/lxc.payload.{container}{suffix}/system.slice/ssh.service\n0::/\n"


@pytest.mark.parametrize(
    ("owner", "suffix", "counts"),
    [
        (("one", "web"), "", True),
        (("one", "web"), "-1", True),
        (("one", "web"), "-12", True),
        (("one", "web-1"), "", False),
        (("one", "eb"), "", False),
        (("one-1", "web"), "", False),
        (("web", "one"), "", False),
    ],
)
def test_neighbours_with_similar_names_are_not_taken(owner: tuple[str, str], suffix: str, counts: bool) -> None:
    wanted = container_name("one", "web")
    assert remains._names_cgroup(group_line(container_name(*owner), suffix), wanted) is counts


@pytest.mark.parametrize(
    ("command", "counts"),
    [
        ("[lxc monitor] /srv/labs/one/guests web.one.provision", True),
        ("/usr/bin/lxc-start -P /srv -n web.one.provision", True),
        ("lxc-start -P /srv -n web2.one.provision", False),
        ("[lxc monitor] /srv/web.one.provision other.one.provision", False),
        ("tail -f web.one.provision", False),
    ],
)
def test_only_lxcs_own_keepers_are_taken(command: str, counts: bool) -> None:
    assert remains._is_keeper(command.split(), "web.one.provision") is counts


def test_living_keeper_is_found_and_ended(tmp_path: Path) -> None:
    """A program of LXC's name that was started for this guest and hangs."""
    hanging = tmp_path / "lxc-start"
    hanging.symlink_to(Path(sys.executable).resolve())
    program = "import time; print('up', flush=True); time.sleep(60)"
    argv = [str(hanging), "-c", program, container_name("t-lab-x", "web")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        try:
            # Popen returns while the kernel is still laying out the new program's argv: /proc/PID/cmdline may be empty.
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            assert list(remains.processes_of(container_name("t-lab-x", "web"))) == [process.pid]
            assert list(remains.processes_of(container_name("t-lab-x", "we"))) == []
            process.kill()
            process.wait(10)
            assert list(remains.processes_of(container_name("t-lab-x", "web"))) == []
        finally:
            process.kill()

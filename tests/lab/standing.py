"""A small whole stack for tests that only need one to stand; several files of tests may share it.

`PROVISION_STANDING` names one that stands already: HOME CLIENT and the options that choose it, for example
`/var/tmp/home cpu-small --profile cpu-small --lab`. It is then neither made nor taken away.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.lab_home import lab_home_folder

_CHOICE = ("--profile", "cpu-small", "--set", "network.cidr=10.97.8.0/24", "--lab")


class Stack:
    """The command line as a user types it."""

    def __init__(self, home: Path, choice: Sequence[str], client: str) -> None:
        self.home, self.choice = home, tuple(choice)
        self.workspace = home / "clients" / client / "lab"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PROVISION_HOME": str(self.home)}

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "provision.cli.main", *arguments]
        return subprocess.run(
            argv, input=given, capture_output=True, text=True, timeout=1800, check=False, env=self.environment
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, *self.choice, "--json")
        assert done.returncode == 0, _told(done)
        return json.loads(done.stdout)

    def ssh(self, machine: str, command: str, given: str = "") -> str:
        done = self.run("ssh", machine, *self.choice, "--", command, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def plan(self) -> dict[str, Any]:
        return dict(json.loads((self.workspace / "plan.json").read_text()))

    def secret(self, name: str) -> str:
        return str(self.json("secrets", "show", "--reveal", name)["value"])

    def secrets(self) -> dict[str, str]:
        """Every value of the vault; the signing key lies beside it and has none to show."""
        names = [secret["name"] for secret in self.json("secrets", "show")["secrets"] if secret["kind"] != "ed25519"]
        return {name: self.secret(name) for name in names}


def _told(done: subprocess.CompletedProcess[str]) -> str:
    """The checks that failed, where there are some; else the end of what was printed."""
    try:
        checks = json.loads(done.stdout)["verified"]["signed"]["receipt"]["checks"]
    except (ValueError, KeyError, TypeError):
        return (done.stdout + done.stderr)[-4000:]
    return json.dumps([check for check in checks if check["status"] == "failed"], indent=1)


@contextmanager
def standing_stack(
    choice: Sequence[str] = _CHOICE, client: str = "cpu-small", prepare: Callable[[Stack], None] = lambda _: None
) -> Iterator[Stack]:
    """The one that `PROVISION_STANDING` names, or one of its own for the time of the tests; `prepare` precedes up."""
    if named := shlex.split(os.environ.get("PROVISION_STANDING", "")):
        yield Stack(Path(named[0]), named[2:], named[1])
        return
    with lab_home_folder() as home:
        stack = Stack(home, choice, client)
        try:
            prepare(stack)
            stack.json("up", "--yes")
            yield stack
        finally:
            gone = stack.run("down", *choice)
            assert gone.returncode == 0, gone.stderr

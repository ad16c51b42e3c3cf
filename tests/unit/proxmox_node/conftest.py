"""root's command, loaded as it lies in the role, on a stand-in for a node: a pct that keeps one configuration."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, NamedTuple

import pytest

COMMAND = Path(__file__).resolve().parents[3] / "roles/proxmox_node/files/provision-guest-devices"
CLIENT, GUEST = "acme", "101"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGd1ZXN0 root@engine"
HEALTHY = {"hostname": "engine", "tags": "provision;provision-acme", "unprivileged": "1"}
STAND_IN_PCT = """#!{python} -IS
import json, os, sys, time
home = os.path.dirname(os.path.abspath(__file__))
with open(home + "/calls", "a") as calls:
    calls.write(json.dumps([sys.argv[1:], sorted(os.environ)]) + "\\n")
with open(home + "/state") as file:
    state = json.load(file)
verb, guest, *words = sys.argv[1:]
time.sleep(state["delay_s"])
if verb in state["failing"]:
    sys.exit("400 Parameter\\n\\x1b[31mverification failed")
if verb == "config":
    print("".join(f"{{key}}: {{value}}\\n" for key, value in sorted(state["config"].items())), end="")
elif verb == "exec":
    for _ in range(state["answers"]):
        sys.stdout.write(state["answer"])
elif verb == "set":
    for option, value in zip(words[::2], words[1::2]):
        if option == "--delete":
            for key in value.split(","):
                del state["config"][key]
        else:
            state["config"][option[2:]] = value
    with open(home + "/state", "w") as file:
        json.dump(state, file)
"""


class Ended(NamedTuple):
    code: int
    out: str
    err: str


class StandInNode:
    """The command's module, and everything that it may see of a node."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.guests = home / "guests.json"
        self.nodes: dict[str, os.stat_result] | None = None
        """What lies at /dev/nvidia*; None: a character device, whatever is asked for."""
        self.pct = home / "pct"
        self.pct.write_text(STAND_IN_PCT.format(python=sys.executable))
        self.pct.chmod(0o755)
        self.module = load_command()
        self.module.PCT, self.module.GUESTS, self.module.ROOT = str(self.pct), str(self.guests), os.geteuid()
        self.reset()

    def reset(self, **state: Any) -> None:
        """A healthy container, listed for the client; `state` in place of its parts."""
        usual = {"config": HEALTHY, "delay_s": 0, "failing": [], "answer": KEY + "\n", "answers": 1}
        (self.home / "state").write_text(json.dumps(usual | state))
        (self.home / "calls").write_text("")
        self.list_guests({CLIENT: [int(GUEST)]})

    def list_guests(self, guests: Any) -> None:
        self.guests.write_text(json.dumps(guests))
        self.guests.chmod(0o644)

    def run(self, *words: str) -> Ended:
        out, err, code = io.StringIO(), io.StringIO(), 0
        with redirect_stdout(out), redirect_stderr(err):
            try:
                self.module.main(list(words))
            except SystemExit as stop:
                code = int(str(stop.code))
        return Ended(code, out.getvalue(), err.getvalue())

    @property
    def config(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.home / "state").read_text())["config"]
        return found

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of every call of pct."""
        return [json.loads(line)[0] for line in (self.home / "calls").read_text().splitlines()]

    @property
    def environments(self) -> list[list[str]]:
        return [json.loads(line)[1] for line in (self.home / "calls").read_text().splitlines()]

    def lstat(self, path: Any, **options: Any) -> os.stat_result:
        if not str(path).startswith("/dev/nvidia"):
            return _LSTAT(path, **options)
        if self.nodes is None:
            return _LSTAT("/dev/null")
        if path not in self.nodes:
            raise FileNotFoundError(path)
        return self.nodes[path]


_LSTAT = os.lstat
assert stat.S_ISCHR(_LSTAT("/dev/null").st_mode)


def load_command() -> Any:
    loader = SourceFileLoader("provision_guest_devices", str(COMMAND))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandInNode:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made = StandInNode(tmp_path)
    monkeypatch.setattr(os, "lstat", made.lstat)
    return made

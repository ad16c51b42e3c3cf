"""A lab that speaks Proxmox, for tests: the product's own stages without the services, and root's view of the API."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from provision.lab.places import container_name, guest_home, guests_home
from provision.lab.pve.lab import api_files
from provision.lab.pve.process import ensure_api, stop_api
from provision.models.events import Event, Note
from provision.models.guests import Guest
from provision.models.lab import NODE_NAME
from provision.models.node import NodeAccess
from provision.models.plan import Plan
from provision.pipeline.clients import init_client
from provision.pipeline.driver_change import bring_node, record_driver
from provision.pipeline.node_access import read_access
from provision.pipeline.node_shell import run_on_node
from provision.pipeline.node_stage import (
    ReadyNode,
    ensure_guests,
    prepare_node,
)
from provision.pipeline.options import Options, open_chosen_workspace
from provision.pipeline.planning import make_plan, save_plan
from provision.pipeline.proxmox_node import Node, open_standing_node
from provision.pipeline.stages import StageClock
from provision.platforms.guests import describe_guests
from provision.runner.workspace import Workspace


class ProxmoxLab:
    """`up` as far as the guests: preflight, node, machines. Everything else of a stack is tested elsewhere."""

    def __init__(self, client: str, settings: tuple[str, ...]) -> None:
        self.client = client
        init_client(client, "sme-2x4090")
        self.options = Options(client=client, settings=settings, lab=True)
        self.notes: list[str] = []
        planned = make_plan(self.options)
        self.profile = planned.loaded.profile
        self.plan: Plan = planned.plan
        self.workspace: Workspace = open_chosen_workspace(self.options, self.plan.client)

    def guest(self, number: int) -> Guest:
        """As it is planned."""
        return next(guest for guest in describe_guests(self.plan) if guest.id == number)

    def up(self, *, release_locks: bool = False) -> int:
        """How many tasks and guests changed."""
        ready = self.prepare(release_locks=release_locks)
        brought = bring_node(self.workspace, ready, self.clock, may_reboot=False)
        save_plan(self.workspace, brought.ready.plan)
        changed = brought.changed + ensure_guests(self.workspace, brought.ready, self.clock)
        record_driver(self.workspace, brought.ready)
        return changed

    def prepare(self, *, release_locks: bool = False) -> ReadyNode:
        return prepare_node(self.workspace, self.plan, self.profile, self.clock, release_locks=release_locks)

    @property
    def clock(self) -> StageClock:
        return StageClock(self._hear)

    @property
    def node(self) -> Node:
        return open_standing_node(self.workspace, self.plan)

    @property
    def access(self) -> NodeAccess:
        return read_access(self.workspace)

    def on_node(self, *argv: str) -> str:
        return run_on_node(self.access.login, argv)

    def as_root(self, method: str, path: str, /, **values: Any) -> Any:
        """The API with root's ticket; `/lab/...` is what only the lab has."""
        files = api_files(self.plan.client)
        url = f"https://{self.plan.gateway}:8006"
        ca_file = str(files.certificate)
        login = {"username": "root@pam", "password": files.password.read_text().strip()}
        ticket = requests.post(f"{url}/api2/json/access/ticket", data=login, timeout=10, verify=ca_file).json()["data"]
        answer = requests.request(
            method,
            url + (path if path.startswith("/lab/") else f"/api2/json{path}"),
            headers={"CSRFPreventionToken": ticket["CSRFPreventionToken"]},
            cookies={"PVEAuthCookie": ticket["ticket"]},
            timeout=60,
            verify=ca_file,
            json=values if path.startswith("/lab/") else None,
            data=None if path.startswith("/lab/") else values,
        )
        assert answer.ok, answer.text
        return answer.json()["data"]

    def requests_of(self, user: str) -> list[dict[str, Any]]:
        lines = api_files(self.plan.client).requests.read_text().splitlines()
        return [request for request in map(json.loads, lines) if request["user"] == user]

    def state_of(self, guest: str) -> str:
        """LXC's own word for the real guest."""
        return self._lxc("lxc-info", guest, "-s", "-H", check=False).strip()

    def status_of(self, guest: str) -> str:
        """The API's word for it: 'running' only once the task that starts it is through."""
        return str(next(g["status"] for g in self.as_root("GET", "/nodes/pve/lxc") if g["name"] == guest))

    def inside(self, guest: str, *argv: str) -> str:
        return self._lxc("lxc-attach", guest, "--", *argv)

    def root_of(self, guest: str) -> Path:
        return guest_home(self.plan.client, guest) / "rootfs"

    def device_of_node(self, name: str) -> os.stat_result:
        """Seen from this machine, in the mounts of the node."""
        init = self._lxc("lxc-info", NODE_NAME, "-p", "-H").strip()
        return Path(f"/proc/{init}/root/dev/{name}").lstat()

    def cut_power(self) -> None:
        """Every guest and the node stop at once; the node alone is started again.

        LXC's STOPPED comes before the end of the task that stops: a start meanwhile would be refused, or cleared away.
        """
        running = [guest["vmid"] for guest in self.as_root("GET", "/nodes/pve/lxc") if guest["status"] == "running"]
        tasks = [self.as_root("POST", f"/nodes/pve/lxc/{vmid}/status/stop") for vmid in running]
        assert until(lambda: not any(self._is_at_work(task) for task in tasks), 60)
        assert all(self.state_of(machine.name) in ("STOPPED", "") for machine in self.plan.machines)
        self._lxc("lxc-stop", NODE_NAME, "-k")
        self._lxc("lxc-start", NODE_NAME)

    def started_after_boot(self) -> str:
        """What the unit that starts the guests said: for a test that waited in vain."""
        return self.on_node("journalctl", "--no-pager", "-b", "-u", "pve-guests.service")

    def stop_api(self) -> None:
        stop_api(api_files(self.plan.client))

    def start_api(self) -> None:
        ensure_api(api_files(self.plan.client), self.plan.gateway)

    def _is_at_work(self, task: str) -> bool:
        return bool(self.as_root("GET", f"/nodes/pve/tasks/{task}/status")["status"] == "running")

    def _lxc(self, command: str, guest: str, *rest: str, check: bool = True) -> str:
        place = ["-P", str(guests_home(self.plan.client)), "-n", container_name(self.plan.client, guest)]
        done = subprocess.run([command, *place, *rest], capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    def _hear(self, event: Event) -> None:
        if isinstance(event, Note):
            self.notes.append(event.text)


def until(truth: Callable[[], bool], seconds: float) -> bool:
    """Whether it becomes true in time."""
    deadline = time.monotonic() + seconds
    while not truth():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True

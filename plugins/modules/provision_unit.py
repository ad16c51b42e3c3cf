#!/usr/bin/python
"""Bring one systemd unit into the wanted state in one round trip; heal restarts that a killed run owed.

A handler that was notified before a run died is lost, and the next run changes nothing, so the service would
keep its old configuration for ever. Here the machine itself is asked instead: a unit is restarted when a
watched file is newer than its start. It runs on the target's own Python (3.11 on
Debian 12), so it uses nothing but the standard library.
"""

from __future__ import annotations

import http.client
import os
import shlex
import socket
import subprocess
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.provision_trial import Trial, TrialError

DOCUMENTATION = r"""
module: provision_unit
short_description: Enable, start, restart or reload one unit if a watched file is newer than its start
description:
  - Reloads systemd's own configuration when it says that the unit needs it.
  - The unit file and its drop-ins are always watched, so they need not be named.
  - Of a watched link the moment it was switched counts, so C(/opt/<service>/current) can be watched.
options:
  name: {description: The unit with its suffix., type: str, required: true}
  enabled: {description: Whether it starts at boot., type: bool, default: true}
  watch: {description: Restart when one is newer than the start., type: list, elements: path, default: []}
  reload_watch:
    description: Reload when one of these is newer than the last start or reload.
    type: list
    elements: path
    default: []
  effect:
    description: Command (no shell) that fails where the effect of an active unit was undone; it is then reloaded.
    type: str
  needs_tcp:
    description: C(address:port) of other services that must accept a connection before a start or restart.
    type: list
    elements: str
    default: []
  needs_seconds: {description: How long to wait for these in seconds., type: int, default: 600}
  ready_tcp: {description: "C(address:port) that must accept a connection.", type: str}
  ready_url: {description: URL (http) that must answer 2xx., type: str}
  ready_seconds: {description: How long to wait for readiness in seconds., type: int, default: 60}
  release:
    description:
      - Folder with the service's C(releases) and C(current). A release that does not become ready gives way to the last
        one that did; the task then fails and says so.
    type: path
  database:
    description: libpq's service file whose C([provision]) is the service's database, put back when a release gives way.
    type: path
  trial_seconds:
    description: How long a release that never answered has, where there is one to go back to.
    type: int
    default: 60
  silent_seconds:
    description:
      - Of these, how long it may give no HTTP answer at all at C(ready_url). A server that loads a model for minutes
        says so, one that is broken says nothing.
    type: int
author: provision
"""

EXAMPLES = r"""
- name: Service
  provision_unit:
    name: n8n.service
    watch: [/etc/n8n/n8n.env, /opt/n8n/current]
    ready_url: http://127.0.0.1:5678/healthz
    ready_seconds: 120
"""

RETURN = r"""
actions: {description: What was (in check mode would be) done., returned: always, type: list}
why: {description: The watched files that were newer., returned: always, type: list}
"""

SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "enabled": {"type": "bool", "default": True},
    "watch": {"type": "list", "elements": "path", "default": []},
    "reload_watch": {"type": "list", "elements": "path", "default": []},
    "effect": {"type": "str"},
    "needs_tcp": {"type": "list", "elements": "str", "default": []},
    "needs_seconds": {"type": "int", "default": 600},
    "ready_tcp": {"type": "str"},
    "ready_url": {"type": "str"},
    "ready_seconds": {"type": "int", "default": 60},
    "release": {"type": "path"},
    "database": {"type": "path"},
    "trial_seconds": {"type": "int", "default": 60},
    "silent_seconds": {"type": "int"},
}
PROPERTIES = (
    "LoadState,ActiveState,UnitFileState,NeedDaemonReload,FragmentPath,DropInPaths,"
    "InactiveExitTimestamp,StateChangeTimestamp"
)

UNIT_FOLDER = Path("/etc/systemd/system")


class Refused(Exception):
    """The unit cannot be brought into the wanted state."""


def call_systemctl(*words: str) -> str:
    """Run systemctl. Raises Refused with its words."""
    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_PAGER": ""}
    result = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False, env=environment)
    if result.returncode:
        raise Refused(f"systemctl {' '.join(words)}: {result.stderr.strip()}")
    return result.stdout


def read_unit(name: str) -> dict[str, str]:
    """The unit's properties, asked from systemd."""
    shown = call_systemctl("show", name, f"--property={PROPERTIES}", "--timestamp=us+utc")
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def parse_moment(text: str) -> float:
    """Seconds since 1970 of systemd's `Sun 2026-11-22 03:10:12.123456 UTC`; 0 where it never happened."""
    if not text or text == "n/a":
        return 0.0
    return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC).timestamp()


def find_newer(paths: list[str], moment: float) -> list[str]:
    """Those paths that were changed after the moment. A missing path is not newer."""
    newer = []
    for path in paths:
        try:
            changed = os.lstat(path).st_mtime
        except FileNotFoundError:
            continue
        if changed > moment:
            newer.append(path)
    return newer


def succeeds(command: str) -> bool:
    """Whether the command exits 0."""
    return subprocess.run(shlex.split(command), capture_output=True, check=False).returncode == 0


def choose_actions(wanted: dict[str, Any], unit: dict[str, str]) -> tuple[list[str], list[str]]:
    """The systemctl verbs that are due, and the files that made a restart or reload due."""
    # "static" and "indirect" units cannot be enabled; only these states differ from the wish.
    actions: list[str] = []
    if wanted["enabled"] and unit["UnitFileState"] in ("disabled", ""):
        actions.append("enable")
    if not wanted["enabled"] and unit["UnitFileState"] == "enabled":
        actions.append("disable")
    if unit["ActiveState"] not in ("active", "activating", "reloading"):
        return [*actions, "start"], []
    own = [unit["FragmentPath"], *unit["DropInPaths"].split()]
    why = find_newer(own + wanted["watch"], parse_moment(unit["InactiveExitTimestamp"]))
    if why:
        return [*actions, "restart"], why
    why = find_newer(wanted["reload_watch"], parse_moment(unit["StateChangeTimestamp"]))
    if not why and wanted["effect"] and not succeeds(wanted["effect"]):
        why = [wanted["effect"]]
    return [*actions, *(["reload"] if why else [])], why


def list_drop_ins(name: str) -> set[str]:
    """The administrator's drop-ins of a unit and of its template, as they lie on the disk."""
    stem, _, suffix = name.rpartition(".")
    names = {name, f"{stem.partition('@')[0]}@.{suffix}"} if "@" in stem else {name}
    return {str(path) for unit in names for path in (UNIT_FOLDER / f"{unit}.d").glob("*.conf")}


def refresh_unit(name: str, dry: bool) -> tuple[dict[str, str], list[str]]:
    """The unit as its files now say, and whether systemd had to be told. Raises Refused if there is none."""
    unit = read_unit(name)
    # systemd 252 says "no" for a drop-in folder that is younger than its cache of unit paths.
    unknown = list_drop_ins(name) - set(unit["DropInPaths"].split())
    stale = unit["NeedDaemonReload"] == "yes" or bool(unknown)
    if dry or not (stale or unit["LoadState"] != "loaded"):
        return unit, ["daemon-reload"] if stale else []
    call_systemctl("daemon-reload")
    unit = read_unit(name)
    if unit["LoadState"] != "loaded":
        raise Refused(f"{name} is {unit['LoadState']}")
    return unit, ["daemon-reload"]


def perform(name: str, actions: list[str]) -> None:
    """Run the verbs in order. A start that failed is told with the unit's last journal lines."""
    for action in actions:
        if action == "start":
            subprocess.run(["systemctl", "reset-failed", name], capture_output=True, check=False)
        try:
            call_systemctl(action, name)
        except Refused as error:
            raise Refused(f"{error}\n{read_journal(name)}") from None


def read_journal(name: str) -> str:
    """The last 15 lines of the unit's journal."""
    words = ["journalctl", "--unit", name, "--lines=15", "--no-pager", "--output=cat"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def accepts(endpoint: str) -> bool:
    """Whether `address:port` accepts a connection within 2 s."""
    address, port = endpoint.rsplit(":", 1)
    try:
        socket.create_connection((address, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


def wait_for_needs(wanted: dict[str, Any]) -> None:
    """Wait until every needed service accepts. Raises Refused with the one that does not."""
    deadline = time.monotonic() + wanted["needs_seconds"]
    for endpoint in wanted["needs_tcp"]:
        while not accepts(endpoint):
            if time.monotonic() > deadline:
                waited = wanted["needs_seconds"]
                raise Refused(f"{wanted['name']} needs {endpoint}, which did not accept within {waited} s")
            time.sleep(0.5)


def ask(url: str) -> int:
    """The status of the answer to a GET; 0 where none came within 2 s."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return 0


def is_ready(wanted: dict[str, Any]) -> bool:
    """Whether the port accepts and the URL answers 2xx."""
    if wanted["ready_tcp"] and not accepts(wanted["ready_tcp"]):
        return False
    return not wanted["ready_url"] or 200 <= ask(wanted["ready_url"]) < 300


def wait_until_ready(wanted: dict[str, Any], seconds: int, silent_seconds: int | None = None) -> None:
    """Poll each 0.25 s. Raises Refused when the unit failed, the time is over, or nothing answered for too long."""
    began, heard = time.monotonic(), silent_seconds is None
    while not is_ready(wanted):
        heard = heard or ask(wanted["ready_url"]) != 0
        passed = time.monotonic() - began
        reason = ""
        if read_unit(wanted["name"])["ActiveState"] == "failed":
            reason = "failed"
        elif passed > seconds:
            reason = f"was not ready after {seconds} s"
        elif silent_seconds is not None and not heard and passed > silent_seconds:
            reason = f"gave no answer for {silent_seconds} s"
        if reason:
            target = wanted["ready_url"] or wanted["ready_tcp"]
            raise Refused(f"{wanted['name']} {reason} (asked {target})\n{read_journal(wanted['name'])}")
        time.sleep(0.25)


def bring_up(wanted: dict[str, Any], actions: list[str]) -> None:
    """Do what is due and wait until the unit is ready. Raises Refused, also where a release had to give way."""
    trial = Trial(Path(wanted["release"]), wanted["database"]) if wanted["release"] else None
    on_trial = trial is not None and trial.is_on
    if {"start", "restart"} & set(actions):
        wait_for_needs(wanted)
        if trial is not None and on_trial:
            call_systemctl("stop", wanted["name"])
            trial.save()
    try:
        perform(wanted["name"], actions)
        if on_trial:
            wait_until_ready(wanted, wanted["trial_seconds"], wanted["silent_seconds"])
        else:
            wait_until_ready(wanted, wanted["ready_seconds"])
    except Refused as error:
        if trial is None or not on_trial:
            raise
        give_way(wanted, trial, str(error))
    if trial is not None:
        trial.prove()


def give_way(wanted: dict[str, Any], trial: Trial, why: str) -> None:
    """Back to the release that answered last. Raises Refused in any case: the wanted one does not run."""
    failed, former = trial.current, trial.proven
    call_systemctl("stop", wanted["name"])
    trial.go_back()
    said = f"release {failed} of {wanted['name']} was switched back to {former}, which"
    try:
        perform(wanted["name"], ["start"])
        wait_until_ready(wanted, wanted["ready_seconds"])
    except Refused as error:
        raise Refused(f"{said} does not answer either. {why}\n{error}") from None
    kept = ", its database as it was before" if wanted["database"] else ""
    raise Refused(f"{said} answers{kept}. {why}")


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    wanted = module.params
    try:
        unit, done = refresh_unit(wanted["name"], module.check_mode)
        actions, why = choose_actions(wanted, unit)
        if not module.check_mode:
            bring_up(wanted, actions)
    except (Refused, TrialError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(done + actions), actions=done + actions, why=why)


if __name__ == "__main__":
    main()

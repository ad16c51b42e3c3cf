#!/usr/bin/python
"""Install Debian packages in one round trip and as few apt calls as possible: none when all are there.

Asking dpkg takes milliseconds where opening apt's cache takes a second. It runs on the target's own Python (3.11 on
Debian 12), so it uses nothing but the standard library.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: provision_packages
short_description: Install and hold Debian packages, waiting for other users of dpkg
description:
  - Finishes an interrupted dpkg run first (C(dpkg --audit)), and says so in C(actions).
  - Waits for the dpkg lock; apt names the holder's process id when the time is over.
options:
  system: {description: "C(ID VERSION_ID) of /etc/os-release; another system is refused.", type: str}
  names: {description: Packages that must be installed., type: list, elements: str, default: []}
  hold: {description: Packages that must be held at their version., type: list, elements: str, default: []}
  start_services:
    description: Whether a package's services may start during the install, before they are configured.
    type: bool
    default: false
  lock_seconds: {description: How long to wait for the dpkg lock in seconds., type: int, default: 600}
author: provision
"""

EXAMPLES = r"""
- name: Packages
  provision_packages:
    names: [libgomp1, zstd]
"""

RETURN = r"""
actions: {description: What was (in check mode would be) done., returned: always, type: list}
"""

SPEC: dict[str, Any] = {
    "system": {"type": "str"},
    "names": {"type": "list", "elements": "str", "default": []},
    "hold": {"type": "list", "elements": "str", "default": []},
    "start_services": {"type": "bool", "default": False},
    "lock_seconds": {"type": "int", "default": 600},
}
# Debian's invoke-rc.d and deb-systemd-invoke ask this script before they start anything; 101 means no.
POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# provision: services start after they are configured\nexit 101\n"
LOCK = Path("/var/lib/dpkg/lock-frontend")
UPDATE_TRIES = 3


class Refused(Exception):
    """dpkg or apt failed; the message has its last words."""


def call(*words: str) -> str:
    """Run a command with apt's non-interactive environment. Raises Refused with the last 15 lines."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
    result = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    if result.returncode:
        last = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
        raise Refused(f"{' '.join(words)} (exit {result.returncode}):\n{last}")
    return result.stdout


def list_missing(names: list[str]) -> list[str]:
    """Those packages that dpkg does not list as installed."""
    if not names:
        return []
    words = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n", *names]
    shown = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    installed = {line.split()[0] for line in shown if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def list_not_held(names: list[str]) -> list[str]:
    """Those packages that are not on hold."""
    held = set(call("apt-mark", "showhold").split()) if names else set()
    return [name for name in names if name not in held]


def update_lists(timeout: str) -> None:
    """`apt-get update`, tried three times, since mirrors hiccup. Raises Refused."""
    for attempt in range(1, UPDATE_TRIES + 1):
        try:
            call("apt-get", "-q", "-o", timeout, "-o", "APT::Update::Error-Mode=any", "update")
        except Refused:
            if attempt == UPDATE_TRIES:
                raise
            time.sleep(3 * attempt)
        else:
            return


def install(names: list[str], lock_seconds: int, start_services: bool) -> None:
    """Install without recommended packages; keeps configuration files that are already there. Raises Refused."""
    timeout = f"DPkg::Lock::Timeout={lock_seconds}"
    keep = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]
    words = ["apt-get", "-q", "-y", "--no-install-recommends", "-o", timeout, *keep, "install", *names]
    own_policy = not start_services and not POLICY.exists()
    if own_policy:
        POLICY.write_text(POLICY_TEXT)
        POLICY.chmod(0o755)
    try:
        try:
            call(*words)
        except Refused:
            # The package lists may be missing or older than the mirror; most installs do not need new ones.
            update_lists(timeout)
            call(*words)
    finally:
        if own_policy:
            POLICY.unlink(missing_ok=True)


def remove_own_policy() -> None:
    """A run that was killed during an install leaves our policy script; nobody else's is touched."""
    if POLICY.is_file() and POLICY.read_text() == POLICY_TEXT:
        POLICY.unlink()


def wait_for_lock(seconds: int) -> None:
    """Wait until nobody holds dpkg's frontend lock. Raises Refused when it is still held after that many seconds."""
    deadline = time.monotonic() + seconds
    with LOCK.open("a") as stream:
        while True:
            try:
                fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > deadline:
                    raise Refused(f"{LOCK} is still held by another process after {seconds} s") from None
                time.sleep(1)
            else:
                return


def was_interrupted(lock_seconds: int) -> bool:
    """Whether dpkg has half-done packages that nobody is working on just now."""
    if not call("dpkg", "--audit").strip():
        return False
    wait_for_lock(lock_seconds)
    return bool(call("dpkg", "--audit").strip())


def refuse_other_system(wanted: str, release: str) -> None:
    """Raises Refused when os-release's text is that of another system than `ID VERSION_ID`."""
    values = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    found = " ".join(values.get(key, "?").strip('"') for key in ("ID", "VERSION_ID"))
    if found != wanted:
        raise Refused(f"this machine runs '{found}'; what was asked for is made for '{wanted}'. Nothing was changed")


def apply_all(wanted: dict[str, Any], dry: bool) -> list[str]:
    """Bring dpkg into the wanted state. Returns what was done."""
    actions = []
    if was_interrupted(wanted["lock_seconds"]):
        actions.append("dpkg --configure -a")
    missing, not_held = list_missing(wanted["names"]), list_not_held(wanted["hold"])
    actions += [f"install {name}" for name in missing] + [f"hold {name}" for name in not_held]
    if dry:
        return actions
    remove_own_policy()
    if "dpkg --configure -a" in actions:
        call("dpkg", "--configure", "-a", "--force-confdef", "--force-confold")
        call("apt-get", "-q", "-y", "-o", f"DPkg::Lock::Timeout={wanted['lock_seconds']}", "-f", "install")
        missing = list_missing(wanted["names"])
    if missing:
        install(missing, wanted["lock_seconds"], wanted["start_services"])
    if not_held:
        call("apt-mark", "hold", *not_held)
    return actions


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        if module.params["system"]:
            refuse_other_system(module.params["system"], Path("/etc/os-release").read_text())
        actions = apply_all(module.params, module.check_mode)
    except Refused as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(actions), actions=actions)


if __name__ == "__main__":
    main()

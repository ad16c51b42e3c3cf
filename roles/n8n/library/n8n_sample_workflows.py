#!/usr/bin/python
"""Bring n8n's sample workflows and their credentials into the database, in one round trip.

n8n's own command line does it (import:credentials, import:workflow, publish:workflow), with or without a running
server. It runs on the target's own Python (3.11 on Debian 12), so it uses nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from ansible.module_utils.provision_quiet import QuietModule

DOCUMENTATION = r"""
module: n8n_sample_workflows
short_description: Import and publish workflows and their credentials when their content changed
description:
  - Does nothing when the marker holds the content's hash, and the running server, if there is one, knows the webhooks.
  - The files with the credentials lie in a folder on C(/run) that only the service user can enter, for seconds.
  - The marker is written last, so that what a killed run left undone is done again; importing twice changes nothing.
  - A running server takes the workflows up at its next start, for which the marker's time can be watched.
options:
  workflows: {description: JSON list of workflows that have an id., type: str, required: true}
  credentials: {description: JSON list of n8n credentials., type: str, required: true}
  environment_file: {description: Environment of the service as systemd reads it., type: path, default: /etc/n8n/env}
  home: {description: Release to run., type: path, default: /opt/n8n/current}
  user: {description: User and group of the service., type: str, default: n8n}
  state: {description: Folder to run in., type: path, default: /var/lib/n8n}
  marker: {description: File that holds the hash., type: path, default: /etc/n8n/sample-workflows.sha256}
  webhook_urls:
    description: The workflows' webhooks. Without its key one answers 403 where its workflow is published, else 404.
    type: list
    elements: str
    required: true
  needs_tcp: {description: "C(address:port) of the database, waited for before an import.", type: str, required: true}
  needs_seconds: {description: How long to wait for it in seconds., type: int, default: 600}
author: provision
"""

EXAMPLES = r"""
- name: Sample workflows
  n8n_sample_workflows:
    workflows: "{{ lookup('ansible.builtin.template', 'workflows/ask.json.j2') }}"
    credentials: "{{ lookup('ansible.builtin.template', 'credentials.json.j2') }}"
    webhook_urls: [http://127.0.0.1:5678/webhook/ask]
    needs_tcp: 10.0.0.2:5432
"""

RETURN = r"""
workflows: {description: Ids of the workflows., returned: always, type: list, elements: str}
"""

SPEC: dict[str, Any] = {
    "workflows": {"type": "str", "required": True},
    "credentials": {"type": "str", "required": True, "no_log": True},
    "environment_file": {"type": "path", "default": "/etc/n8n/env"},
    "home": {"type": "path", "default": "/opt/n8n/current"},
    "user": {"type": "str", "default": "n8n"},
    "state": {"type": "path", "default": "/var/lib/n8n"},
    "marker": {"type": "path", "default": "/etc/n8n/sample-workflows.sha256"},
    "webhook_urls": {"type": "list", "elements": "str", "required": True},
    "needs_tcp": {"type": "str", "required": True},
    "needs_seconds": {"type": "int", "default": 600},
}
# A command line beside the running server needs a port of its own for its task broker.
COMMANDS = {b"import:credentials", b"import:workflow", b"publish:workflow"}
BROKER_PORT = "5699"
# What decides where the content goes: a new database gets it again.
PLACE = ("DB_POSTGRESDB_HOST", "DB_POSTGRESDB_PORT", "DB_POSTGRESDB_DATABASE", "N8N_ENCRYPTION_KEY")
TIMEOUT_S = 300
# A server registers its webhooks seconds after it calls itself ready; until then they are 404 too.
REGISTRATION_S = 20.0


class Refused(Exception):
    """n8n did not take the content; the message has its last words."""


def read_environment(file: Path) -> dict[str, str]:
    """Lines NAME="value" as roles/n8n/templates/env.j2 writes them; empty where check mode has not written it."""
    text = file.read_text() if file.is_file() else ""
    found = re.findall(r'^(\w+)="(.*)"$', text, flags=re.MULTILINE)
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in found}


def hash_content(wanted: dict[str, Any]) -> str:
    """sha256 over what is imported and where it goes."""
    environment = read_environment(Path(wanted["environment_file"]))
    place = [environment.get(name) for name in PLACE]
    return hashlib.sha256(json.dumps([wanted["workflows"], wanted["credentials"], place]).encode()).hexdigest()


def is_due(wanted: dict[str, Any], text: str) -> bool:
    """Whether the database lacks this content: by the marker, or by what the running server says."""
    marker = Path(wanted["marker"])
    if not marker.is_file() or marker.read_text() != text:
        return True
    deadline = time.monotonic() + REGISTRATION_S
    while any(ask_webhook(url) == 404 for url in wanted["webhook_urls"]):
        if time.monotonic() > deadline:
            return True
        time.sleep(0.5)
    return False


def ask_webhook(url: str) -> int:
    """The status that a call without a key gets; 0 where no server answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, data=b"", timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def wait_for_database(wanted: dict[str, Any]) -> None:
    """Poll each 0.5 s. Raises Refused when the time is over."""
    address, port = wanted["needs_tcp"].rsplit(":", 1)
    deadline = time.monotonic() + wanted["needs_seconds"]
    while True:
        try:
            socket.create_connection((address, int(port)), timeout=2).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise Refused(
                    f"no database at {wanted['needs_tcp']} for {wanted['needs_seconds']} s: {error}"
                ) from None
        time.sleep(0.5)


def run_n8n(wanted: dict[str, Any], *words: str) -> None:
    """Run one command of n8n as the service's user. Raises Refused with the last 15 lines."""
    environment = read_environment(Path(wanted["environment_file"])) | {"N8N_RUNNERS_BROKER_PORT": BROKER_PORT}
    argv = [f"{wanted['home']}/bin/node", f"{wanted['home']}/node_modules/n8n/bin/n8n", *words]
    result = subprocess.run(
        argv, env=environment, cwd=wanted["state"], user=wanted["user"], group=wanted["user"], extra_groups=[],
        umask=0o077, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
    )  # fmt: skip
    if result.returncode:
        last = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
        raise Refused(f"n8n {words[0]} failed with exit status {result.returncode}:\n{last}")


def end_leftovers(home: str, processes: Path = Path("/proc"), folders: Path = Path("/run")) -> None:
    """End what a killed run left: its n8n command may hang in a transaction that holds the migrations' lock."""
    program = f"{home}/node_modules/n8n/bin/n8n".encode()
    for entry in processes.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if program in words and COMMANDS & set(words):
                os.kill(int(entry.name), signal.SIGKILL)
    for folder in folders.glob("n8n-import-*"):
        shutil.rmtree(folder)


def import_all(wanted: dict[str, Any], workflows: list[str]) -> None:
    """Import both and publish the workflows. Raises Refused."""
    end_leftovers(wanted["home"])
    folder = Path(tempfile.mkdtemp(prefix="n8n-import-", dir="/run"))
    try:
        for name in ("credentials", "workflows"):
            file = folder / f"{name}.json"
            file.touch(mode=0o600)
            shutil.chown(file, wanted["user"], wanted["user"])
            file.write_text(wanted[name])
        shutil.chown(folder, wanted["user"], wanted["user"])
        run_n8n(wanted, "import:credentials", f"--input={folder}/credentials.json")
        run_n8n(wanted, "import:workflow", f"--input={folder}/workflows.json")
    finally:
        shutil.rmtree(folder)
    for workflow in workflows:
        run_n8n(wanted, "publish:workflow", f"--id={workflow}")


def write_marker(marker: Path, text: str) -> None:
    """Write beside the file and rename. Only root reads it: it is a hash over secrets."""
    fresh = marker.with_name(f".{marker.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        os.fsync(descriptor)
    fresh.replace(marker)


def main() -> None:
    """Ansible's entry point."""
    module = QuietModule(argument_spec=SPEC, supports_check_mode=True)
    wanted = module.params
    text = f"{hash_content(wanted)}\n"
    workflows = [str(workflow["id"]) for workflow in json.loads(wanted["workflows"])]
    changed = is_due(wanted, text)
    try:
        if changed and not module.check_mode:
            wait_for_database(wanted)
            import_all(wanted, workflows)
            write_marker(Path(wanted["marker"]), text)
    except (Refused, subprocess.TimeoutExpired) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed, workflows=workflows)


if __name__ == "__main__":
    main()

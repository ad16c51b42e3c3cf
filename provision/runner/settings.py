"""Ansible's settings of a run: those of the checkout's ansible.cfg, and Mitogen where it is installed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from provision.places import REPOSITORY, find_content
from provision.runner.workspace import Workspace


def ansible_environment(workspace: Workspace, *, stock: bool = False) -> dict[str, str]:
    """Environment of ansible-playbook. `stock`: only what the playbooks cannot run without."""
    environment = {
        "ANSIBLE_ROLES_PATH": str(find_content("roles")),
        "ANSIBLE_LIBRARY": str(find_content("plugins") / "modules"),
        "ANSIBLE_ACTION_PLUGINS": str(find_content("plugins") / "action"),
        "ANSIBLE_MODULE_UTILS": str(find_content("plugins") / "module_utils"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_HOME": str(workspace.folder / "ansible"),
        "PATH": f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    if stock:
        empty = workspace.folder / "stock.cfg"  # Ansible takes no file without a known ending, /dev/null included
        empty.write_text("")
        return {**environment, "ANSIBLE_CONFIG": str(empty)}
    environment["ANSIBLE_CONFIG"] = str(REPOSITORY / "ansible.cfg")
    strategies = _find_mitogen()
    if strategies is not None:
        environment["ANSIBLE_STRATEGY_PLUGINS"] = str(strategies)
        environment["ANSIBLE_STRATEGY"] = "mitogen_free"
    return environment


def _find_mitogen() -> Path | None:
    found = importlib.util.find_spec("ansible_mitogen")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "plugins" / "strategy"

"""A module with secrets writes none of its arguments to the target's journal, whatever the task's no_log says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

SECRET = "canary'with\\escapes\n"


@pytest.mark.parametrize("quiet", [True, False])
def test_no_invocation_is_logged(
    quiet: bool, load_plugin: Callable[[str, str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_plugin("module_utils", "provision_quiet")
    base = sys.modules["ansible.module_utils.basic"].AnsibleModule
    chosen: Any = sys.modules["ansible.module_utils.provision_quiet"].QuietModule if quiet else base
    written: list[str] = []
    monkeypatch.setattr(base, "log", lambda self, msg, *args, **kwargs: written.append(str(msg)))
    with patch_module_args({"content": SECRET, "_ansible_no_log": False}):
        chosen(argument_spec={"content": {"type": "str"}})
    assert bool(written) is not quiet

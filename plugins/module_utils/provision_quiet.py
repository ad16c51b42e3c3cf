"""A module that handles secrets without leaving them in the target's journal."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule


class QuietModule(AnsibleModule):
    """Writes no "Invoked with" line: it would hold the escaped form of a secret, which Ansible does not mask.

    AnsibleModule's own no_log argument does not help: the task's no_log overwrites it (PASS_VARS of
    ansible/module_utils/common/parameters.py).
    """

    def _log_invocation(self) -> None: ...

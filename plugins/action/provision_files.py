"""Controller's half of provision_files: renders the templates that entries name.

`lookup('template')` copies all variables of the host for each file, which was the largest part of a task's time on
the controller; here one templar renders all files of the task.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

# What an entry may say, and what the module gets instead.
SOURCES = {"template": "content", "secret_template": "secret_content"}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Renders, then runs the module of the same name once."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if "files" in arguments:
            arguments["files"] = [self.render_entry(entry) for entry in arguments["files"]]
        module = self._execute_module(module_name="provision_files", module_args=arguments, task_vars=task_vars)
        return {**result, **module}

    def render_entry(self, entry: dict[str, Any]) -> dict[str, Any]:
        """The entry with the text of its template in place of the template's name."""
        named = [key for key in SOURCES if key in entry]
        if not named:
            return entry
        if len(named) > 1 or SOURCES[named[0]] in entry:
            raise AnsibleActionFail(f"{entry.get('path')}: only one of {', '.join(SOURCES)} and its text may be given")
        rest = {key: value for key, value in entry.items() if key not in SOURCES}
        return {**rest, SOURCES[named[0]]: self.render_template(entry[named[0]])}

    def render_template(self, name: str) -> str:
        """The text of a template of the role; blocks leave no empty line, as in ansible.builtin.template."""
        path = self._find_needle("templates", name)
        source = trust_as_template(self._loader.get_text_file_contents(path))
        text = self._templar.template(source, escape_backslashes=False, overrides={"trim_blocks": True})
        return "" if text is None else str(text)

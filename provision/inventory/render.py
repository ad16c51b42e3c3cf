"""The inventory as text: variables as YAML, the head of each file from a strict template."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.exceptions import TemplateNotFound

from provision.errors import SetupError
from provision.models.inventory import Inventory, SecretReference

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "inventory"
_TEMPLATE_SIGNS = re.compile(r"\{[{%#]")


def render_inventory(inventory: Inventory) -> dict[str, str]:
    """Text by relative path, in a fixed order. Raises SetupError where the checkout lacks the templates.

    No string of the profile is ever run as a template: what looks like one is marked `!unsafe`, which Ansible takes
    literally. The only templates in the tree are the references to the vault.
    """
    hosts = {name: _pick(variables, connection=True) for name, variables in inventory.host_vars.items()}
    groups = {group: {"hosts": dict.fromkeys(members)} for group, members in inventory.groups.items()}
    tree = {
        "hosts.yml": _render("hosts.yml.j2", inventory, {"all": {"hosts": hosts, "children": groups}}),
        "group_vars/all/main.yml": _render("vars.yml.j2", inventory, inventory.all_vars),
    }
    for name, variables in inventory.host_vars.items():
        tree[f"host_vars/{name}.yml"] = _render("vars.yml.j2", inventory, _pick(variables, connection=False))
    return tree


def _pick(variables: dict[str, Any], *, connection: bool) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name.startswith("ansible_") is connection}


def _render(template: str, inventory: Inventory, data: dict[str, Any]) -> str:
    # No autoescape: this is YAML, and its dumper does the quoting.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=False
    )
    try:
        # One line, whatever the title holds: it stands in a comment.
        title = " ".join(inventory.title.split())
        return environment.get_template(template).render(title=title, body=_dump(data))
    except TemplateNotFound as error:
        raise SetupError(
            f"the template {error.name} is not beside the program",
            where=str(TEMPLATES),
            hint="run provision from a checkout (make demo does), not from a bare wheel",
        ) from error


class _Dumper(yaml.SafeDumper):
    """Block style, no anchors, and a mark on every string that Ansible might run."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - pyyaml's interface
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Lists are indented below their key, as ansible-lint wants."""
        super().increase_indent(flow, False)


def _write_string(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    if _TEMPLATE_SIGNS.search(text):
        return dumper.represent_scalar("!unsafe", text, style='"')
    if text.count("\n") > 1:  # a whole file, readable as one
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    return dumper.represent_scalar("tag:yaml.org,2002:str", text)


def _write_reference(dumper: _Dumper, reference: SecretReference) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", f"{{{{ provision_secrets.{reference.name} }}}}", style='"')


_Dumper.add_representer(str, _write_string)
_Dumper.add_representer(SecretReference, _write_reference)


def _dump(data: dict[str, Any]) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False)

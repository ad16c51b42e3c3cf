"""Text that Ansible reads back as the same values, whatever the strings hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.errors import SetupError
from provision.inventory import build_inventory, render_inventory, write_inventory
from provision.inventory import render as render_module
from provision.models.inventory import Inventory, InventoryInput, SecretReference
from provision.models.plan import Plan

PlanOf = Callable[..., Plan]

HOSTILE = [
    "{{ lookup('pipe', 'touch OWNED') }}",
    "{% for x in [1] %}{{ x }}{% endfor %}",
    "{# comment #}",
    "a: {{ provision_secrets.n8n_encryption_key }}",
    "!unsafe {{ 1 + 1 }}",
    "'quoted' \"twice\" \\ back",
    "line\nbreak: yes\n- item",
    "# no comment",
    "*alias &anchor !tag",
    "0123",
    "yes",
    "null",
    "1e3",
    "12:30:45",
    "2026-11-22",
    " leading and trailing ",
    "tab\there",
    "%percent @at `tick`",
    "\u2028line separator \x85 next line",
    "ümläut 漢字 🎈",
    "",
    "- ",
    "? key",
    "---\n...",
    "{}",
    "[1, 2]",
    "{" + "{ split }}",
]


def inventory_of(values: list[str], title: str = "t") -> Inventory:
    return Inventory(title=title, groups={"g": ("h",)}, all_vars={"values": values}, host_vars={"h": {"own": values}})


def ask_ansible(folder: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (home / "ansible.cfg").write_text("")
    return subprocess.run(
        [str(Path(sys.executable).parent / arguments[0]), "-i", str(folder), *arguments[1:]],
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "ANSIBLE_HOME": str(home),
            "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
            "LC_ALL": "C.UTF-8",
        },
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_hostile_strings_arrive_in_ansible_unchanged(tmp_path: Path) -> None:
    """Templated by Ansible for real: what looks like a template stays a text, and nothing is run."""
    write_inventory(render_inventory(inventory_of(HOSTILE)), tmp_path / "inventory")
    playbook = tmp_path / "play.yml"
    playbook.write_text(
        "- hosts: all\n  gather_facts: false\n  connection: local\n  tasks:\n"
        "    - copy: {content: '{{ values | to_json }}', dest: '{{ playbook_dir }}/all.json'}\n"
        "    - copy: {content: '{{ own | to_json }}', dest: '{{ playbook_dir }}/own.json'}\n"
    )
    done = ask_ansible(
        tmp_path / "inventory",
        tmp_path,
        "ansible-playbook",
        "-e",
        f"ansible_python_interpreter={sys.executable}",
        str(playbook),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "all.json").read_text()) == HOSTILE
    assert json.loads((tmp_path / "own.json").read_text()) == HOSTILE
    assert not (tmp_path / "OWNED").exists()


def test_the_test_above_would_see_a_template(tmp_path: Path) -> None:
    """A reference to the vault, which is meant to be templated, is."""
    inventory = Inventory(
        title="t", groups={"g": ("h",)}, all_vars={"key": SecretReference(name="some_key")}, host_vars={"h": {}}
    )
    write_inventory(render_inventory(inventory), tmp_path / "inventory")
    playbook = tmp_path / "play.yml"
    playbook.write_text(
        "- hosts: all\n  gather_facts: false\n  connection: local\n  tasks:\n    - assert: {that: key == 'opened'}\n"
    )
    extra = ("-e", json.dumps({"provision_secrets": {"some_key": "opened"}}))
    done = ask_ansible(tmp_path / "inventory", tmp_path, "ansible-playbook", *extra, str(playbook))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("title", ["two\nlines: x", "a\x85b", "a\u2028b", "{{ 1 + 1 }}", "a\r\n- b"])
def test_a_title_stays_in_its_comment(title: str) -> None:
    for text in render_inventory(inventory_of(["v"], title)).values():
        head, rest = text.split("---\n", 1)
        assert all(line.startswith("#") for line in head.splitlines())
        assert yaml.safe_load(rest)
    assert "2" not in render_inventory(inventory_of(["v"], "{{ 1 + 1 }}"))["hosts.yml"].replace("1 + 1", "")


def test_yaml_is_tidy(plan_of: PlanOf) -> None:
    """No anchors, one newline at the end, lists below their keys, nothing that Python's dumper adds."""
    for name, text in render_inventory(build_inventory(plan_of(lab=True), InventoryInput())).items():
        assert text.endswith("\n"), name
        assert not text.endswith("\n\n"), name
        assert "!!" not in text
        assert "&id" not in text
        assert not any(line != line.rstrip() for line in text.splitlines()), name


def test_the_only_templates_are_references_to_the_vault(plan_of: PlanOf) -> None:
    for text in render_inventory(build_inventory(plan_of(), InventoryInput())).values():
        assert text.count("{{") == text.count("{{ provision_secrets.")
        assert "{%" not in text


def test_missing_templates_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(render_module, "TEMPLATES", tmp_path)
    with pytest.raises(SetupError, match="not beside the program"):
        render_inventory(inventory_of(["v"]))


def test_same_plan_same_text(plan_of: PlanOf) -> None:
    texts: list[Any] = [render_inventory(build_inventory(plan_of(lab=True), InventoryInput())) for _ in range(2)]
    assert texts[0] == texts[1]
    assert list(texts[0]) == list(texts[1])

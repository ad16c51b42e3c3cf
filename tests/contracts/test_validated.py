"""What Debian's own services read is checked by their own tools before it replaces what they run with."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[2] / "roles"


@pytest.mark.parametrize(
    ("role", "template", "tool"),
    [
        ("caddy", "Caddyfile.j2", "caddy validate"),
        ("prometheus", "prometheus.yml.j2", "promtool check config"),
        ("alertmanager", "alertmanager.yml.j2", "amtool check-config"),
        ("postgresql", "postgresql.conf.j2", "/bin/postgres -C"),
    ],
)
def test_configuration_is_checked_before_it_is_in_place(role: str, template: str, tool: str) -> None:
    tasks = yaml.safe_load((ROLES / role / "tasks" / "configure.yml").read_text())
    listed = [task["provision_files"]["files"] for task in tasks if "files" in task.get("provision_files", {})]
    files = [file for some in listed if isinstance(some, list) for file in some]  # the others are templates of lists
    (found,) = [file for file in files if template in (file.get("template"), file.get("secret_template"))]
    assert tool in found["validate"]
    assert "%s" in found["validate"]

"""The action plugin inside the real ansible-playbook, on this machine (connection local, a temporary folder)."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import sys
from pathlib import Path

import yaml

PLUGINS = Path(__file__).parents[3] / "plugins"
ME = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}


def play(tmp_path: Path, files: list[dict[str, str]]) -> subprocess.CompletedProcess[str]:
    task = {"provision_files": {"files": [{**ME, **entry} for entry in files]}}
    tasks = {"hosts": "localhost", "gather_facts": False, "vars": {"word": "canary-77"}, "tasks": [task]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([tasks]))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(tmp_path / "empty.cfg"),
        "ANSIBLE_LIBRARY": str(PLUGINS / "modules"),
        "ANSIBLE_ACTION_PLUGINS": str(PLUGINS / "action"),
        "ANSIBLE_MODULE_UTILS": str(PLUGINS / "module_utils"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_HOME": str(tmp_path / "home"),
    }
    (tmp_path / "empty.cfg").touch()
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", "-vvv", "--diff"]
    done = [*argv, str(tmp_path / "play.yml")]
    return subprocess.run(done, capture_output=True, text=True, check=False, env=environment)


def test_templates_are_rendered_and_secrets_stay_unseen(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "a.j2").write_text("{% if true %}\npublic {{ 1 + 1 }}\n{% endif %}\n")
    (folder / "b.j2").write_text("password={{ word }}\n")
    done = play(
        tmp_path,
        [
            {"path": str(tmp_path / "a"), "template": "a.j2"},
            {"path": str(tmp_path / "b"), "secret_template": "b.j2", "mode": "0600"},
        ],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "a").read_text() == "public 2\n"
    assert (tmp_path / "b").read_text() == "password=canary-77\n"
    assert "public 2" in done.stdout
    assert "canary-77" not in done.stdout + done.stderr


def test_template_beside_its_text_is_refused(tmp_path: Path) -> None:
    done = play(tmp_path, [{"path": str(tmp_path / "a"), "template": "a.j2", "content": "x"}])
    assert done.returncode != 0
    assert "only one of" in done.stdout
    assert not (tmp_path / "a").exists()

"""The server's command line as the role llama_cpp gives it: from the role's own templates, with folders of this run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import jinja2
import yaml

from provision.errors import SetupError

ROLE = Path(__file__).resolve().parents[1] / "roles" / "llama_cpp"
_ASSIGNED = re.compile(r'^(\w+)="(.*)"$', re.MULTILINE)


def read_environment(instance: Mapping[str, object], role: Path = ROLE) -> dict[str, str]:
    """What the unit's EnvironmentFile says for `instance`, whose fields are those of the role's argument_specs."""
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text(encoding="utf-8"))
    template = (role / "templates" / "instance.env.j2").read_text(encoding="utf-8")
    # Not HTML: an environment file.
    engine = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701
    return dict(_ASSIGNED.findall(engine.from_string(template).render(instance=instance, **defaults)))


def server_argv(
    environment: Mapping[str, str], name: str, *, binaries: Path, models: Path, keys: Path, role: Path = ROLE
) -> list[str]:
    """The unit's ExecStart. `${X}` is one word, `$X` as many as it has: systemd's rules.

    Raises SetupError where the unit uses a variable that the environment file does not set.
    """
    unit = (role / "templates" / "llama-cpp@.service.j2").read_text(encoding="utf-8").replace("\\\n", " ")
    line = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    for there, here in {
        "/opt/llama-cpp/current/bin": binaries,
        "/var/lib/llama-cpp/models": models,
        "/etc/llama-cpp": keys,
        "%i": name,
    }.items():
        line = line.replace(there, str(here))
    argv: list[str] = []
    try:
        for word in shlex.split(line.removeprefix("ExecStart=")):
            bare = re.fullmatch(r"\$(\w+)", word)
            filled = re.sub(r"\$\{(\w+)\}", lambda match: environment[match[1]], word)
            argv += environment[bare[1]].split() if bare else [filled]
    except KeyError as error:
        raise SetupError(
            f"the unit uses {error}, which its environment file does not set",
            where=str(role / "templates"),
            hint="set it in instance.env.j2",
        ) from error
    return argv

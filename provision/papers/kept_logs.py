"""How long services keep their records, as the roles set it: read from there, so that a paper cannot say otherwise."""

from __future__ import annotations

import re
from pathlib import Path

from provision.errors import SetupError
from provision.papers.facts import KeptLog

_SETTINGS = (
    # what, service, file below roles/, pattern, how it is told
    (
        "System journal",
        None,
        "base/templates/journald.conf.j2",
        r"^MaxRetentionSec=(\d+)month$",
        "Kept for at most {0} month.",
    ),
    (
        "Workflow runs of n8n",
        "n8n",
        "n8n/vars/main.yml",
        r'^\s*EXECUTIONS_DATA_MAX_AGE: "(\d+)"$',
        "Removed after {0} hours.",
    ),
    (
        "Measurements",
        "prometheus",
        "prometheus/defaults/main.yml",
        r"^prometheus_retention_days: (\d+)$",
        "Kept for {0} days.",
    ),
    (
        "Traces",
        "langfuse",
        "langfuse/defaults/main.yml",
        r"^langfuse_retention_days: (\d+)$",
        "Removed after {0} days.",
    ),
)


def read_kept(roles: Path) -> tuple[KeptLog, ...]:
    """Raises SetupError where a role does not have its setting any more."""
    found = []
    for what, service, name, pattern, told in _SETTINGS:
        path = roles / name
        try:
            match = re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
        except OSError as error:
            raise _refuse(path, error.strerror or str(error)) from error
        if match is None:
            raise _refuse(path, f"it has no line like {pattern}")
        field = f"roles/{name}, {match[0].strip()}"
        found.append(KeptLog(what=what, service=service, limit=told.format(match[1]), field=field))
    return tuple(found)


def _refuse(path: Path, reason: str) -> SetupError:
    return SetupError(
        f"the time that a service keeps its records cannot be read: {reason}",
        where=str(path),
        hint="fetch the checkout again",
    )

"""Policy and audit log of a standing stack, copied from its gateway for the papers.

Contents of conversations stay there: the keys of what the log holds sealed are not copied. `decision-layer audit copy`
makes the log's copy of one moment while the gateway goes on, from whichever database it is in, after the checkpoints:
none of them speaks of entries that the copy has not. Those of the second place are therefore read before.
"""

from __future__ import annotations

import io
import shlex
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provision.errors import SetupError, UsageError
from provision.inventory.decision_layer_vars import audit_url, audit_words
from provision.inventory.secrets import AUDIT_KEY
from provision.models.plan import Plan
from provision.pipeline.connect import ssh_to
from provision.pipeline.evidence import Given, Made, make_papers
from provision.pipeline.options import Options, find_client, open_chosen_workspace
from provision.pipeline.planning import require_plan
from provision.planner.routing import DECISION_SERVICE
from provision.runner.secrets import read_secrets

LIMIT_S = 300
_LOG = "/var/lib/decision-layer/audit"
_SCRIPT = r"""
import io, subprocess, sys, tarfile, tempfile
from pathlib import Path
second = Path("/var/lib/decision-layer-checkpoints")
held = {"policy.yml": Path("/etc/decision-layer/policy.yml").read_bytes()}
for place in (second / name for name in ("checkpoints.jsonl", "latest.json")):
    if place.exists():
        held[f"second/{place.name}"] = place.read_bytes()
with tempfile.TemporaryDirectory() as folder:
    program = "/opt/decision-layer/current/bin/decision-layer"
    argv = [program, "audit", "copy", "--directory", *sys.argv[1:], "--to", f"{folder}/audit"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=240)
    if done.returncode:
        sys.exit(done.stderr.strip())
    held |= {f"audit/{path.name}": path.read_bytes() for path in Path(folder, "audit").iterdir()}
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
    for name, content in held.items():
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o600
        archive.addfile(entry, io.BytesIO(content))
"""


class GatewayCopy:
    """`folder`: policy.yml, audit/ and second/. `source`: where the log is. `public_key`: 64 hex digits."""

    def __init__(self, folder: Path, source: str, public_key: str) -> None:
        self.source = source
        self.policy, self.audit, self.second_place = (folder / name for name in ("policy.yml", "audit", "second"))
        self.public_key = public_key


def make_papers_of_gateway(options: Options, given: Given) -> Made:
    """`make_papers` with the policy and the audit log of the standing stack. Raises also UsageError, SetupError."""
    if given.policy or given.audit or given.audit_key or given.second_place:
        raise UsageError(
            "policy and audit log come from the gateway, and from elsewhere too",
            where="the command line",
            hint="give --gateway, or --policy, --audit, --second-place and --audit-key",
        )
    with copy_of_gateway(options) as copy:
        theirs = {"policy": copy.policy, "audit": copy.audit, "second_place": copy.second_place}
        named = {"audit_key": copy.public_key, "audit_source": copy.source}
        return make_papers(options, given.model_copy(update={**theirs, **named}))


@contextmanager
def copy_of_gateway(options: Options) -> Iterator[GatewayCopy]:
    """Private, and gone afterwards. Raises UsageError without a decision layer, SetupError where it cannot be had."""
    workspace = open_chosen_workspace(options, find_client(options))
    plan = require_plan(workspace)
    machine = next((service.machine for service in plan.services if service.name == DECISION_SERVICE), None)
    if machine is None:
        hint = "leave --gateway away: the papers then say that there is no log"
        raise UsageError("this stack has no decision layer", where=str(workspace.plan_file), hint=hint)
    secret = bytes.fromhex(read_secrets(workspace)[AUDIT_KEY])
    public_key = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw().hex()
    with tempfile.TemporaryDirectory(prefix="provision-evidence-") as name:
        folder = Path(name)
        _unpack(_fetch(plan, machine), folder, machine)
        yield GatewayCopy(folder, f"{audit_url(plan) or _LOG} (machine {machine})", public_key)


def _fetch(plan: Plan, machine: str) -> bytes:
    python = "/opt/decision-layer/current/bin/python"
    try:
        done = subprocess.run(
            ssh_to(plan, machine, (shlex.join((python, "-I", "-", _LOG, *audit_words(plan))),)),
            input=_SCRIPT.encode(),
            capture_output=True,
            check=False,
            timeout=LIMIT_S,
        )
        said = done.stderr.decode("utf-8", "replace").strip()[-200:]
        if done.returncode == 0:
            return done.stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    raise SetupError(
        f"policy and audit log cannot be copied: {said or 'no reason was given'}",
        where=f"machine {machine}",
        hint="does the stack stand? provision status",
    )


def _unpack(archive: bytes, folder: Path, machine: str) -> None:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
            opened.extractall(folder, filter="data")
    except tarfile.TarError as error:
        hint = "provision up puts the machine right"
        raise SetupError(f"what it sent is no archive: {error}", where=f"machine {machine}", hint=hint) from error

"""The decision layer's audit log, through its own program: first it must verify, then it is counted.

Nothing of the decision layer is imported: `decision-layer audit verify` and `audit export --format csv` are run.
"""

from __future__ import annotations

import csv
import io
import subprocess
from collections import Counter
from pathlib import Path

from provision.errors import SetupError
from provision.models.base import Frozen
from provision.papers.errors import EvidenceError

_NEEDED = ("decided_at", "effective_class", "effect", "zone", "storage_location", "policy_sha256")


class Route(Frozen):
    """How many decisions of one class took one way. `zone`, `storage` are empty where nothing was sent."""

    effective_class: str
    effect: str
    zone: str
    storage: str
    policy_sha256: str
    decisions: int


class AuditFacts(Frozen):
    """A log that verified. `said`: the verifier's own words, a line each. Times are ISO 8601, "" without a decision."""

    directory: str
    public_key: str
    said: tuple[str, ...]
    decisions: int
    first: str
    last: str
    routes: tuple[Route, ...]


class AuditReading:
    """Both commands at once, since each of them starts an interpreter; `finish()` waits for them and judges."""

    def __init__(self, program: Path, directory: Path, public_key: str, second_place: Path | None) -> None:
        """Raises SetupError where the decision layer is not installed."""
        if not program.is_file():
            raise SetupError(
                "the decision layer's program is not there, so its log cannot be verified",
                where=str(program),
                hint="make setup installs it",
            )
        self._directory, self._key = directory, public_key
        second = ["--second-place", str(second_place)] if second_place else []
        place = ["--directory", str(directory)]
        self._verify = _start([str(program), "audit", "verify", *place, *second, "--public-key", public_key])
        self._export = _start([str(program), "audit", "export", *place, "--format", "csv"])

    def finish(self) -> AuditFacts:
        """Raises EvidenceError where the log does not verify, SetupError where that cannot be found out."""
        (said, fault), (table, no_table) = self._verify.communicate(), self._export.communicate()
        where = str(self._directory)
        if self._verify.returncode == 1:
            raise EvidenceError(
                "the audit log does not verify: " + "; ".join(said.splitlines()[:3]),
                where=where,
                hint=f"decision-layer audit verify --directory {where} --public-key HEX tells all of it",
            )
        if self._verify.returncode or self._export.returncode:
            raise SetupError(
                "the audit log cannot be read: " + _first_line(fault or no_table),
                where=where,
                hint="check the folder and --audit-key (64 hex digits, the public key of the log)",
            )
        return _count(table, where, self._key, tuple(said.splitlines()))

    def stop(self) -> None:
        """End what still runs; for when something else has already failed."""
        for process in (self._verify, self._export):
            process.kill()
            process.communicate()


def _start(argv: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or ["it gave no reason"])[0].removeprefix("what: ")


def _count(table: str, directory: str, key: str, said: tuple[str, ...]) -> AuditFacts:
    reader = csv.DictReader(io.StringIO(table))
    if missing := [name for name in _NEEDED if name not in (reader.fieldnames or ())]:
        raise SetupError(
            f"the exported log has no column '{missing[0]}'", where=directory, hint="update both programs together"
        )
    routes: Counter[tuple[str, ...]] = Counter()
    times: list[str] = []
    for line in reader:
        routes[tuple(line[name] for name in _NEEDED[1:])] += 1
        times.append(line["decided_at"])
    return AuditFacts(
        directory=directory,
        public_key=key,
        said=said,
        decisions=len(times),
        first=min(times, default=""),
        last=max(times, default=""),
        routes=tuple(
            Route(effective_class=c, effect=e, zone=z, storage=s, policy_sha256=p, decisions=count)
            for (c, e, z, s, p), count in sorted(routes.items())
        ),
    )

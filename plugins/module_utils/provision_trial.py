"""A release on trial: until it has answered once, the way back to the last one that did stays open, data included.

Runs on the target's own Python (3.11 on Debian 12): the standard library alone, and PostgreSQL's client programs
where the service has a database.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

PROVEN = ".proven"
COMPLETE = ".complete"
EMPTY_SCHEMA = "DROP SCHEMA IF EXISTS public CASCADE;\nCREATE SCHEMA public;\n"


class TrialError(Exception):
    """The data could not be kept or put back; the message says why."""


class Trial:
    """The releases below `home`. `database`: libpq's connection service file with a service `[provision]`."""

    def __init__(self, home: Path, database: str | None) -> None:
        self.home = home
        self.database = database

    @property
    def current(self) -> str:
        """Id of the release that runs, or is to; empty where there is none."""
        link = self.home / "current"
        return link.readlink().name if link.is_symlink() else ""

    @property
    def proven(self) -> str:
        """Id of the last release that answered; empty where none did, or where it is gone."""
        note = self.home / PROVEN
        release = note.read_text().strip() if note.is_file() else ""
        return release if release and (self.home / "releases" / release / COMPLETE).is_file() else ""

    @property
    def is_on(self) -> bool:
        """Whether the current release has yet to answer, and there is one to go back to."""
        return self.proven not in ("", self.current)

    @property
    def snapshot(self) -> Path:
        """The database as it was before the current release first started; root's alone."""
        return self.home / f".before-{self.current}.dump"

    def save(self) -> None:
        """Keep the database. What an earlier start of the same trial kept stays. Raises TrialError."""
        if self.database is None or self.snapshot.exists():
            return
        descriptor, name = tempfile.mkstemp(dir=self.home, prefix=".before-")
        os.close(descriptor)
        try:
            self._run("pg_dump", "--format=custom", f"--file={name}", "service=provision")
        except TrialError:
            Path(name).unlink()
            raise
        Path(name).rename(self.snapshot)

    def prove(self) -> None:
        """The current release answered: it is what later ones go back to, and what was kept for it is dropped."""
        if self.current and self.current != self.proven:
            fresh = self.home / f"{PROVEN}-new"
            fresh.write_text(f"{self.current}\n")
            fresh.replace(self.home / PROVEN)
        for stale in self.home.glob(".before-*"):
            stale.unlink()

    def go_back(self) -> None:
        """Put the database back, then point `current` at the proven release. The unit must not run.

        In this order, so that a run killed in between finds the trial still on, and the snapshot still there.
        Raises TrialError.
        """
        if self.database is not None and self.snapshot.exists():
            self._restore()
        kept = self.snapshot
        fresh = self.home / ".current-new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path("releases") / self.proven)
        fresh.replace(self.home / "current")
        kept.unlink(missing_ok=True)

    def _restore(self) -> None:
        """In one transaction: an empty schema, and in it what the snapshot holds beside the schema itself."""
        listed = self._run("pg_restore", "--list", str(self.snapshot))
        wanted = "".join(line for line in listed.splitlines(keepends=True) if " SCHEMA - public " not in line)
        with tempfile.NamedTemporaryFile("w", dir=self.home, prefix=".before-list-") as order:
            order.write(wanted)
            order.flush()
            script = self._run("pg_restore", "--no-owner", f"--use-list={order.name}", "--file=-", str(self.snapshot))
        arguments = ("--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--no-psqlrc")
        self._run("psql", *arguments, "service=provision", text=EMPTY_SCHEMA + script)

    def _run(self, *argv: str, text: str | None = None) -> str:
        environment = {**os.environ, "PGSERVICEFILE": str(self.database), "LC_ALL": "C.UTF-8"}
        try:
            done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False, env=environment)
        except FileNotFoundError:
            raise TrialError(f"{argv[0]} is not installed") from None
        if done.returncode:
            raise TrialError(f"{argv[0]}: {done.stderr.strip()[-600:]}")
        return done.stdout

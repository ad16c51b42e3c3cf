"""What the audit trail needs of a database: the one seam between SQLite (sqlite.py) and PostgreSQL (postgresql.py).

Statements are written once, with `?` for a value, in the part of SQL that both understand; a backend adds what they do
not share: how to connect, to lock, to stream, to read one state, and what can be said of files and tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

Row = tuple[Any, ...]


class DatabaseError(Exception):
    """What the database or the way to it said: away, locked, full, read-only."""


class NotUniqueError(DatabaseError):
    """A second decision with the same record id."""


class DamagedError(DatabaseError):
    """It was reached, and what it holds cannot be read: that says something about the log."""


class Link(Protocol):
    """A connection of one thread to the log or to the keys. Every method raises DatabaseError."""

    @property
    def row(self) -> str:
        """The ten placeholders of a row of entries, with types where the database wants them."""

    def query(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows of a small answer."""

    def stream(self, sql: str, values: Sequence[object] = (), at_once: int = 200) -> Iterator[list[Row]]:
        """A large answer in parts, never whole in memory."""

    def change(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run a statement; the number of rows. Durable on return outside of locked()."""

    def change_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement for each of these rows."""

    def append(self, sql: str, values: Sequence[object]) -> int:
        """change(), while nobody else appends."""

    def patience(self, seconds: float) -> None:
        """How long statements wait for another's lock from now on."""

    def locked(self) -> AbstractContextManager[None]:
        """A transaction beside which nobody else changes this table; durable at its end, undone by an exception."""

    def snapshot(self) -> AbstractContextManager[None]:
        """One state for all that is read, while others go on writing."""

    def is_ours(self) -> bool:
        """Whether tables, indexes and all else are defined as an audit log's are, and nothing is added."""

    def damage(self) -> list[str]:
        """Where the indexes do not fit the rows."""

    def moved(self) -> bool:
        """Whether what is written now would not be found again, because the file was moved away or replaced."""

    def key_changes(self) -> int:
        """Another number whenever another process may have destroyed a key."""

    def announce_key_change(self) -> None:
        """Make key_changes() another number for everyone else."""

    def revive(self) -> bool:
        """Connect again where the connection is gone; whether it was."""

    def scrub(self) -> None:
        """Let what was deleted be overwritten or given back, as far as the database can."""

    def close(self) -> None:
        """Let go of it."""


class Helper(Protocol):
    """A thread beside the writer."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End."""


class Backend(Protocol):
    """Where one log is."""

    @property
    def directory(self) -> Path:
        """Of the checkpoints and of the OTLP sender's mark, on every backend."""

    @property
    def log(self) -> str:
        """For people: where the entries are."""

    @property
    def keys(self) -> str:
        """For people: where the keys of sealed parts are."""

    @property
    def is_local(self) -> bool:
        """Whether a commit is a matter of this machine's disk alone, so that an event loop may make one."""

    def open_log(self, *, create: bool, wait_s: float) -> Link:
        """To write entries; `wait_s` bounds a wait for a lock. DatabaseError, also where it is none of ours."""

    def open_keys(self, *, create: bool, wait_s: float) -> Link:
        """To write keys, likewise."""

    def read_log(self) -> AbstractContextManager[Link]:
        """To read entries, without being able to change them. DatabaseError."""

    def read_keys(self) -> AbstractContextManager[Link]:
        """To read keys, likewise."""

    def has_log(self) -> bool:
        """Whether there is one."""

    def has_keys(self) -> bool:
        """Whether there are any: an auditor's copy has none."""

    def helpers(self, appended: Callable[[], int]) -> Sequence[Helper]:
        """What is to run beside a writer; `appended` tells the seq of its last entry."""


class Server(NamedTuple):
    """A PostgreSQL server: a URL without a password, the file that holds it (None: none is asked for), the schema."""

    url: str
    password_file: Path | None = None
    schema: str = "decision_layer"

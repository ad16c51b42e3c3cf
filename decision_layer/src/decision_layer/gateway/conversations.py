"""The highest class that each conversation has held: it never drops below. Kept on disk, by a hash of its id."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from decision_layer.errors import DecisionLayerError
from decision_layer.policy.load import LoadedPolicy

_KEPT_IN_MEMORY = 20_000
_SCHEMA = "CREATE TABLE IF NOT EXISTS floors (id BLOB PRIMARY KEY, class TEXT NOT NULL) STRICT, WITHOUT ROWID"


class Conversations:
    """Reads are served from memory where possible; a rise is on disk before the request goes anywhere."""

    def __init__(self, path: Path) -> None:
        """Raises DecisionLayerError where the file cannot be used."""
        try:
            self._link = sqlite3.connect(path, isolation_level=None, timeout=1.0, check_same_thread=False)
            self._link.execute("PRAGMA journal_mode=WAL")
            self._link.execute("PRAGMA synchronous=FULL")
            self._link.execute(_SCHEMA)
            self._reader = sqlite3.connect(path, isolation_level=None, timeout=1.0)  # waits for no write
        except sqlite3.Error as error:
            raise DecisionLayerError(
                f"the conversations' classes cannot be kept: {error}",
                where=str(path),
                hint="free space, check owner and mount of the directory",
            ) from None
        self._near: OrderedDict[bytes, str | None] = OrderedDict()
        self._rising = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "conversations")

    def floor(self, client: str, conversation: str) -> str | None:
        """The highest class so far; None for a new conversation. Raises sqlite3.Error."""
        key = _key(client, conversation)
        if key in self._near:
            self._near.move_to_end(key)
            return self._near[key]
        row = self._reader.execute("SELECT class FROM floors WHERE id = ?", (key,)).fetchone()
        self._remember(key, row[0] if row else None)
        return row[0] if row else None

    def highest(self, loaded: LoadedPolicy, client: str, conversations: tuple[str, ...]) -> str | None:
        """Of several: a class that the policy no longer has is above all. Raises sqlite3.Error."""
        held = [floor for name in conversations if (floor := self.floor(client, name)) is not None]
        return max(held, key=lambda floor: loaded.rank.get(floor, len(loaded.rank)), default=None)

    async def raise_to(self, loaded: LoadedPolicy, client: str, conversation: str, data_class: str) -> None:
        """Durable on return, what others of the conversation raised included. Raises sqlite3.Error.

        The disk is waited for in a thread, so that no other request waits with it; one after the other, so that none
        puts a lower class over a higher one.
        """
        async with self._rising:
            held = self.floor(client, conversation)
            if held is not None and loaded.rank.get(held, len(loaded.rank)) >= loaded.rank[data_class]:
                return
            key = _key(client, conversation)
            self._remember(key, data_class)  # at once: who comes meanwhile meets it already
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._write, key, data_class)
            except sqlite3.Error:
                self._near.pop(key, None)  # the disk knows what holds
                raise
            # A request that is given up meanwhile leaves the class in memory: the thread goes on writing it, and who
            # took the disk's older word for it would put a lower class over it.

    def close(self) -> None:
        self._thread.shutdown()
        self._link.close()
        self._reader.close()

    def _write(self, key: bytes, data_class: str) -> None:
        self._link.execute("INSERT OR REPLACE INTO floors VALUES (?, ?)", (key, data_class))

    def _remember(self, key: bytes, data_class: str | None) -> None:
        self._near[key] = data_class
        self._near.move_to_end(key)
        if len(self._near) > _KEPT_IN_MEMORY:
            self._near.popitem(last=False)


def _key(client: str, conversation: str) -> bytes:
    return hashlib.sha256(f"{client}\0{conversation}".encode()).digest()

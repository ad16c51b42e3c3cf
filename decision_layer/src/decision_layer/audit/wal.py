"""Brings what was committed from SQLite's write-ahead log into the file, beside the writer and not inside a commit.

By default the commit that finds 1000 pages in the log does this itself, with two more fsyncs, while its callers wait
(https://www.sqlite.org/wal.html, "Automatic Checkpoint"). A PASSIVE checkpoint from another connection waits for nobody
and nobody for it; what is durable does not depend on it, for a commit has flushed the log already. It cannot shorten a
log that is written to without pause, so a commit still does it at BACKSTOP_PAGES: the log stays bounded, and also where
this thread has died.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

log = logging.getLogger(__name__)
BACKSTOP_PAGES = 16_384  # 64 MiB of 4 KiB pages
_EVERY_ENTRIES = 2000  # about 4 MiB, which is what SQLite takes by default
_EVERY_S = 10.0
_LOOK_S = 0.1


class WalFlusher(threading.Thread):
    """start() and stop() it beside the writer; `appended` tells the last entry's seq. It changes no row."""

    def __init__(self, paths: Sequence[Path], appended: Callable[[], int]) -> None:
        super().__init__(name="audit-wal", daemon=True)
        self._paths, self._appended = paths, appended
        self._ending = threading.Event()

    def run(self) -> None:
        """Until stop(): after so many entries, or so many seconds where there was any."""
        done, at = self._appended(), time.monotonic()
        while not self._ending.wait(_LOOK_S):
            seq, now = self._appended(), time.monotonic()
            if seq - done >= _EVERY_ENTRIES or (seq != done and now - at >= _EVERY_S):
                self._flush()
                done, at = seq, now

    def stop(self) -> None:
        """End the thread."""
        self._ending.set()
        if self.is_alive():
            self.join()

    def _flush(self) -> None:
        for path in self._paths:
            try:
                uri = f"{path.absolute().as_uri()}?mode=rw"
                with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)) as link:
                    link.execute("PRAGMA synchronous=FULL")
                    link.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except sqlite3.Error as error:  # the writer meets the same and tells its callers
                log.warning("%s: its write-ahead log was not brought into it: %s", path, error)

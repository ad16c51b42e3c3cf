"""A gateway's audit part under load, to be killed: tells each record id on a pipe once decide() has returned.

python -m tests.audit.writer_child DIRECTORY SECOND TASKS [URL PASSWORD_FILE SCHEMA]
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from decision_layer.audit import wal
from decision_layer.audit.backend import Backend, Server
from decision_layer.audit.backends import make_backend
from decision_layer.audit.record import Sealed
from decision_layer.audit.store import LogStore
from tests.audit.samples import KEYS, decision, outcome


async def main(backend: Backend, second: Path, tasks: int) -> None:
    """Decide without end."""
    wal._EVERY_ENTRIES = 100  # so that a kill falls into a flush of the write-ahead log now and then
    store = LogStore.open(backend, KEYS, second, checkpoint_entries=200)

    async def client(number: int) -> None:
        while True:
            record = decision()
            sealed = Sealed(KEYS.pseudonym(f"subject {os.getpid()} {number}"), b"input") if number % 2 else None
            await store.decide(record, sealed)
            os.write(1, f"{record.record_id}\n".encode())
            await store.append(outcome(record.record_id))

    await asyncio.gather(*(client(number) for number in range(tasks)))


if __name__ == "__main__":
    directory, second_place, number, *where = sys.argv[1:]
    server = Server(where[0], Path(where[1]), where[2]) if where else None
    asyncio.run(main(make_backend(Path(directory), server), Path(second_place), int(number)))

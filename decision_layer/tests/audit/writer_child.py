"""A gateway's audit part under load, to be killed: tells each record id on a pipe once decide() has returned.

python -m tests.audit.writer_child DIRECTORY SECOND TASKS
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from decision_layer.audit.record import Sealed
from decision_layer.audit.store import SqliteStore
from tests.audit.samples import KEYS, decision, outcome


async def main(directory: Path, second: Path, tasks: int) -> None:
    """Decide without end."""
    store = SqliteStore.open(directory, KEYS, second, checkpoint_entries=200)

    async def client(number: int) -> None:
        while True:
            record = decision()
            sealed = Sealed(KEYS.pseudonym(f"subject {os.getpid()} {number}"), b"input") if number % 2 else None
            await store.decide(record, sealed)
            os.write(1, f"{record.record_id}\n".encode())
            await store.append(outcome(record.record_id))

    await asyncio.gather(*(client(number) for number in range(tasks)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))

"""Runs under the decision layer's own Python: write a small real audit log with its own store.

Arguments: DIRECTORY SECOND_PLACE POLICY_SHA256 ROUTES, where ROUTES is JSON: [[class, zone, count], ...]. Prints the
log's public key (hex).
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from decision_layer.audit import ids
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.record import Chosen, Decision, utc_now
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.store import LogStore


def decision(name: str, zone: str, policy: str) -> Decision:
    now = utc_now()
    return Decision(
        record_id=ids.record_id(),
        received_at=now,
        decided_at=now,
        request_id="r",
        endpoint="chat",
        caller="open-webui",
        caller_auth="key",
        effective_class=name,
        policy_id="hybrid-firm",
        policy_version="1",
        policy_sha256=policy,
        effect="allow" if zone else "refuse",
        chosen=Chosen("m", "", "p", zone, zone, zone) if zone else None,
        rule="otherwise",
        software_version="0",
        host="h",
    )


async def write(
    directory: Path, second: Path, policy: str, routes: list[tuple[str, str, int]], keys: AuditKeys
) -> None:
    store = LogStore.open(SqliteBackend(directory), keys, second)
    store.set_policy(policy)
    for name, zone, count in routes:
        for _ in range(count):
            await store.decide(decision(name, zone, policy))
    await store.close()


def main() -> None:
    directory, second, policy, routes = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
    key_file = directory.parent / "audit-key"
    key_file.write_text("5a" * 32 + "\n")
    key_file.chmod(0o600)
    keys = AuditKeys.read(key_file)
    asyncio.run(write(directory, second, policy, routes, keys))
    print(keys.signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex())


main()

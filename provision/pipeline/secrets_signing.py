"""The key that signs receipts: replaced, while what the former one signed in its time stays good."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from provision.errors import SetupError, UsageError
from provision.models.base import Frozen
from provision.models.report import SignedReceipt
from provision.pipeline.options import Options, find_client, locate_workspace
from provision.runner.lock import hold_lock
from provision.runner.workspace import Workspace, write_private
from provision.verify.receipt import ReceiptError, check_receipt, load_or_create_signing_key, public_key_of

NAME = "signing_key"


class Replaced(Frozen):
    """Public keys, hex."""

    former: str
    current: str


def replace_signing_key(options: Options) -> Replaced:
    """Make a new key for the receipts to come. The former public key is noted first, so a kill loses nothing.

    Raises SetupError where there is no key yet.
    """
    workspace = locate_workspace(options, find_client(options))
    if not workspace.signing_key.exists():
        raise SetupError(
            "there is no signing key yet", where=str(workspace.signing_key), hint="the first provision verify makes it"
        )
    with hold_lock(workspace.lock_file):
        former = public_key_of(workspace.signing_key)
        fresh = workspace.signing_key.with_name(".signing-key.new")
        fresh.unlink(missing_ok=True)  # of a run that was killed
        load_or_create_signing_key(fresh)
        known = {**_read_former(workspace), former: datetime.now(UTC).isoformat()}
        write_private(workspace.former_keys_file, json.dumps(known, indent=2, sort_keys=True) + "\n")
        fresh.replace(workspace.signing_key)
    return Replaced(former=former, current=public_key_of(workspace.signing_key))


def check_own_receipt(path: Path, workspace: Workspace) -> SignedReceipt:
    """The receipt if the client's key signed it, or a former one in its time.

    Raises ReceiptError where it was changed, somebody else signed it, or a former key signed it after it was replaced.
    """
    try:
        return check_receipt(path, public_key_of(workspace.signing_key))
    except ReceiptError:
        for key, until in _read_former(workspace).items():
            signed = _try(path, key)
            if signed:
                return _require_in_time(signed, path, until)
        raise


def _try(path: Path, key: str) -> SignedReceipt | None:
    try:
        return check_receipt(path, key)
    except (ReceiptError, UsageError):
        return None


def _require_in_time(signed: SignedReceipt, path: Path, until: str) -> SignedReceipt:
    if signed.receipt.created > datetime.fromisoformat(until):
        raise ReceiptError(
            f"the receipt was signed by a key that was replaced before, at {until}",
            where=str(path),
            hint="whoever has the former key may have made it: measure again with provision verify",
        )
    return signed


def _read_former(workspace: Workspace) -> dict[str, str]:
    if not workspace.former_keys_file.exists():
        return {}
    try:
        return dict(json.loads(workspace.former_keys_file.read_text(encoding="utf-8")))
    except ValueError as error:
        raise SetupError(
            "the record of former signing keys cannot be read",
            where=str(workspace.former_keys_file),
            hint="restore it from the backup, or move it away: receipts of former keys then need --key",
        ) from error

"""The signed receipt: canonical JSON, ed25519.

What is signed is the receipt as JSON with sorted keys, no spaces, UTF-8. The file is checked strictly: it must be
exactly the document that its values make, so that no byte can be changed, not even one that changes no value.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from pydantic import BaseModel, ValidationError

from provision.errors import ExitCode, ProvisionError, SetupError, UsageError
from provision.models.plan import Plan
from provision.models.report import CardMeasurement, CheckResult, Receipt, SignedReceipt, StageTime

MAX_RECEIPT_BYTES = 16 * 2**20


class ReceiptError(ProvisionError):
    """A receipt that must not be believed. Exit code 1: a check failed."""

    exit_code = ExitCode.CHECK_FAILED


def build_receipt(
    plan: Plan,
    checks: Sequence[CheckResult],
    cards: Sequence[CardMeasurement],
    *,
    receipt_id: str,
    created: datetime,
    version: str,
    stages: Sequence[StageTime],
) -> Receipt:
    """Put together what was measured. It passed if no check failed; nothing is skipped unless something failed.

    `releases` are the planned ids; the check `releases` says of each whether it really runs.
    """
    good = bool(checks) and all(check.status == "passed" for check in checks)
    return Receipt(
        id=receipt_id,
        created=created,
        provision_version=version,
        client=plan.client,
        profile=plan.profile,
        target=plan.target,
        simulated=any(card.simulated for card in plan.cards) or any(check.simulated for check in checks),
        plan_sha256=hashlib.sha256(canonical_json(plan)).hexdigest(),
        verdict="passed" if good else "failed",
        checks=tuple(checks),
        cards=tuple(cards),
        releases={service.name: service.release for service in plan.services if service.release},
        stages=tuple(stages),
        urls={site.name: site.url for site in plan.sites},
    )


def canonical_json(data: BaseModel) -> bytes:
    """Sorted keys, no spaces, UTF-8 without escapes: one text for one value."""
    document = data.model_dump(mode="json")
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sign_receipt(receipt: Receipt, private_key_pem: bytes) -> SignedReceipt:
    """Sign with an ed25519 key. Raises SetupError if the PEM holds none."""
    key = _load_private_key(private_key_pem, where="the signing key")
    return SignedReceipt(
        receipt=receipt, public_key=_public_hex(key), signature=key.sign(canonical_json(receipt)).hex()
    )


def load_or_create_signing_key(path: Path) -> bytes:
    """The client's private key (PEM, 0600); made once. Raises SetupError if the file is open to others or no key."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())
    return pem


def public_key_of(path: Path) -> str:
    """The public half (hex) of a private key file. Raises SetupError."""
    return _public_hex(_load_private_key(_read_key(path), where=str(path)))


def check_receipt(path: Path, trusted_public_key: str | None) -> SignedReceipt:
    """The receipt if it is byte for byte what the trusted key signed.

    Raises ReceiptError if it was changed or another key signed it, UsageError for an unusable path or key.
    """
    if trusted_public_key is None:
        raise UsageError(
            "it is not known whose signature to expect",
            where=str(path),
            hint="add --client NAME of the stack that signed it, or --key HEX of its public key",
        )
    signed = _read_receipt(path)
    trusted = _load_public_key(trusted_public_key)
    if signed.public_key != trusted_public_key.strip().lower():
        raise ReceiptError(
            f"the receipt was signed by an unknown key: {signed.public_key}",
            where=str(path),
            hint=f"trusted is {trusted_public_key}; ask the signer for the key on another way, then pass it by --key",
        )
    try:
        signature = bytes.fromhex(signed.signature)
        if signature.hex() != signed.signature:
            raise ValueError("another spelling of the signature")
        trusted.verify(signature, canonical_json(signed.receipt))
    except (InvalidSignature, ValueError) as error:
        raise ReceiptError(
            "the receipt is not what was signed: it was changed after signing",
            where=f"{path}, which names the key {signed.public_key}",
            hint="take the original file, or measure again: provision verify",
        ) from error
    return signed


def _read_receipt(path: Path) -> SignedReceipt:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_RECEIPT_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"the receipt cannot be read: {error.strerror}", where=str(path), hint="check the path"
        ) from error
    try:
        if len(content) > MAX_RECEIPT_BYTES:
            raise ValueError("it is larger than any receipt")
        signed = SignedReceipt.model_validate_json(content)
        if _is_other_text(content, signed):
            raise ValueError("it is not written as provision writes receipts")
    except ValidationError as error:
        raise _refuse(path, f"{error.error_count()} of its fields do not fit") from error
    except ValueError as error:
        raise _refuse(path, str(error)) from error
    return signed


def _is_other_text(content: bytes, signed: SignedReceipt) -> bool:
    """Whether the text differs from what its values are written as: a doubled key, another spelling of a number."""
    text = signed.model_dump_json(indent=2).encode()
    return content not in (text, text + b"\n")


def _refuse(path: Path, reason: str) -> ReceiptError:
    return ReceiptError(
        f"this is no unchanged receipt: {reason}",
        where=str(path),
        hint="take the original file (JSON, not the HTML page), or measure again: provision verify",
    )


def _read_key(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise SetupError(
                "the signing key is readable by others",
                where=str(path),
                hint=f"chmod 600 {path}; then look who read it",
            )
        return path.read_bytes()
    except OSError as error:
        raise SetupError(
            f"the signing key cannot be read: {error.strerror}", where=str(path), hint="restore it from the backup"
        ) from error


def _load_private_key(pem: bytes, *, where: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise SetupError("this is no private key", where=where, hint="restore it from the backup") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SetupError("this is no ed25519 key", where=where, hint="restore it from the backup")
    return key


def _load_public_key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text.strip()))
    except ValueError as error:
        raise UsageError(
            f"'{text}' is no public key",
            where="--key",
            hint="write its 64 hex digits, as the signer's receipts show them under public_key",
        ) from error


def _public_hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

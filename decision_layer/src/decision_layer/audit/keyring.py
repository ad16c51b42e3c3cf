"""The keys of the audit trail, all from one secret of 32 bytes that only the gateway and the verifier hold.

One Ed25519 key signs checkpoints; its public half is all that an outside auditor needs. HKDF (RFC 5869) gives three
more: one for the mark on each entry, one that wraps the keys of sealed parts, one for pseudonyms.

The key file holds one secret per line as 64 hex digits: the first is in use, the others are old ones that still verify
and unseal. It comes from the Vault as a systemd credential and is never made here.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from decision_layer.audit.errors import AuditKeyError
from decision_layer.audit.record import Sealed

_NONCE = 12  # bytes, NIST SP 800-38D section 5.2.1.1
KEY_ID = 16  # bytes
_sealed = msgspec.msgpack.Decoder(Sealed)


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, b"decision-layer audit " + purpose.encode()).derive(secret)


def _marker(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA256 (RFC 2104) with the key's two blocks hashed once: half the time of hmac.digest, 100,000 a second."""
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key.ljust(64, b"\0")))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key.ljust(64, b"\0")))

    def make(message: bytes) -> bytes:
        first, second = inner.copy(), outer.copy()
        first.update(message)
        second.update(first.digest())
        return second.digest()

    return make


def key_id(public: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 of the raw public key."""
    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


class AuditKeys:
    """Keys of one installation; `secrets` in the order of the key file."""

    def __init__(self, secrets: list[bytes]) -> None:
        if not secrets or any(len(secret) != 32 for secret in secrets):
            raise AuditKeyError(
                "an audit key is no secret of 32 bytes",
                where="audit key file",
                hint="one line per key, 64 hex digits each, the one in use first",
            )
        self.signer = Ed25519PrivateKey.from_private_bytes(secrets[0])
        self.key_id = key_id(self.signer.public_key())
        publics = [Ed25519PrivateKey.from_private_bytes(secret).public_key() for secret in secrets]
        self.publics = {key_id(public): public for public in publics}
        self._marks = [_marker(_derive(secret, "mark")) for secret in secrets]
        self._wraps = [AESGCM(_derive(secret, "wrap")) for secret in secrets]
        self._pseudonym = _derive(secrets[-1], "pseudonym")  # the oldest, so that a subject keeps its pseudonym

    @classmethod
    def read(cls, path: Path) -> AuditKeys:
        """Keys of a file; AuditKeyError when it is missing or malformed."""
        try:
            return cls([bytes.fromhex(line) for line in path.read_text("ascii").split()])
        except (OSError, ValueError) as error:
            raise AuditKeyError(
                f"the audit key file cannot be used: {type(error).__name__}",
                where=str(path),
                hint="one line per key, 64 hex digits each; readable by the gateway's user alone",
            ) from error

    def mark(self, entry_hash: bytes) -> bytes:
        """HMAC-SHA256 of an entry's hash: nobody without the secret can add or re-stamp an entry."""
        return self._marks[0](entry_hash)

    def marked(self, entry_hash: bytes, mark: bytes) -> bool:
        """Whether one of the keys, old ones included, made this mark."""
        first, *old = self._marks
        return hmac.compare_digest(first(entry_hash), mark) or (
            bool(old) and any(hmac.compare_digest(make(entry_hash), mark) for make in old)
        )

    def pseudonym(self, subject: str) -> str:
        """The same 32 hex digits for the same subject, upper or lower case; nothing leads back without the secret."""
        return hmac.digest(self._pseudonym, subject.strip().casefold().encode(), "sha256").hex()[:32]

    def wrap(self, key: bytes, name: bytes) -> bytes:
        """A key as the table of keys holds it: AES-256-GCM, bound to its id."""
        nonce = os.urandom(_NONCE)
        return nonce + self._wraps[0].encrypt(nonce, key, name)

    def unwrap(self, wrapped: bytes, name: bytes) -> bytes:
        """The key that was wrapped; AuditKeyError when no secret of the key file fits."""
        for wrap in self._wraps:
            with contextlib.suppress(InvalidTag, ValueError):
                return wrap.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], name)
        raise AuditKeyError(
            "the key of a sealed part cannot be used",
            where=f"table of keys, key {name.hex()}",
            hint="the key file lacks an old key, or the table of keys was changed",
        )


def seal(content: Sealed, record_id: str, name: bytes, key: bytes) -> bytes:
    """id of the key, nonce, AES-256-GCM of the content, bound to the record; every record has a key of its own."""
    nonce = os.urandom(_NONCE)
    box = AESGCM(_record_key(key, nonce)).encrypt(nonce, msgspec.msgpack.encode(content), record_id.encode())
    return name + nonce + box


def unseal(blob: bytes, record_id: str, key: bytes) -> Sealed:
    """What was sealed; AuditKeyError when the bytes or the record they belong to were changed."""
    nonce = blob[KEY_ID : KEY_ID + _NONCE]
    try:
        cipher = AESGCM(_record_key(key, nonce))
        return _sealed.decode(cipher.decrypt(nonce, blob[KEY_ID + _NONCE :], record_id.encode()))
    except (InvalidTag, msgspec.MsgspecError) as error:
        raise AuditKeyError(
            "a sealed part cannot be opened: its bytes are not those that were stored",
            where=f"record {record_id}",
            hint="run decision-layer audit verify",
        ) from error


def _record_key(key: bytes, nonce: bytes) -> bytes:
    return hmac.digest(key, b"record " + nonce, "sha256")

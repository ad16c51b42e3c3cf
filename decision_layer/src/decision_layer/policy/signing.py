"""A policy's signature: Ed25519 over the file's bytes, beside it as `<file>.sig` in base64."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from decision_layer.policy.load import LoadedPolicy, PolicyError, parse_policy

_HINT = "sign it with decision-layer sign; the policy in use stays as it is"


def signature_file(policy: Path) -> Path:
    return policy.with_name(policy.name + ".sig")


def sign(policy: Path, private_key: Path) -> Path:
    """Writes the signature beside the policy. Raises PolicyError for a policy with faults or a key that is none."""
    content = policy.read_bytes()
    parse_policy(content, str(policy))
    try:
        key = load_pem_private_key(private_key.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise PolicyError(str(private_key), (f"the signing key cannot be used: {error}",), _HINT) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise PolicyError(str(private_key), ("the signing key is not Ed25519",), "openssl genpkey -algorithm ed25519")
    place = signature_file(policy)
    place.write_bytes(base64.b64encode(key.sign(content)) + b"\n")
    return place


def read_signed(policy: Path, public_key: Path) -> LoadedPolicy:
    """The policy of a file whose signature holds. What was checked is what is used: the file is read once.

    Raises PolicyError.
    """
    try:
        content = policy.read_bytes()
        given = base64.b64decode(signature_file(policy).read_bytes(), validate=False)
        key = load_pem_public_key(public_key.read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise PolicyError(str(public_key), ("the public key is not Ed25519",), _HINT)
        key.verify(given, content)
    except (OSError, ValueError, binascii.Error) as error:
        raise PolicyError(str(policy), (f"its signature cannot be read: {error}",), _HINT) from None
    except InvalidSignature:
        raise PolicyError(str(policy), ("it is not what was signed",), _HINT) from None
    return parse_policy(content, str(policy))


def public_pem(private_key: Path) -> bytes:
    """For the settings' `signer`. Raises ValueError, OSError."""
    key = load_pem_private_key(private_key.read_bytes(), password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

"""Upstream's signature of its list of checksums, verified where this machine has the tool and the key."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from provision.errors import SetupError
from provision.models.artifact import Signature

VERIFIED = "verified"
_MOST_SECONDS = 30


def verify_signature(signature: Signature | None, content: bytes, fetch: Callable[[str], bytes]) -> str:
    """'verified', or why it is not: 'none known', or 'not verified: REASON'. `content`: what was signed.

    No key is fetched or trusted: gpg asks this machine's own keyring, and the key must be one of the pinned ones.
    Raises SetupError for a signature that is wrong, and what `fetch` raises.
    """
    if signature is None:
        return "none known"
    if signature.kind != "gpg":
        return f"not verified: no way to check {signature.kind} here"
    program = shutil.which("gpg")
    if program is None:
        return "not verified: gpg is not installed"
    status = _ask(program, content, fetch(signature.url))
    words = [line.split() for line in status.splitlines() if line.startswith("[GNUPG:] ")]
    # doc/DETAILS of GnuPG: VALIDSIG's last field is the primary key's fingerprint.
    signed_by = [line[-1] for line in words if line[1] == "VALIDSIG"]
    if any(line[1] == "BADSIG" for line in words) or (signed_by and not set(signed_by) & set(signature.keys)):
        raise SetupError(
            f"the signature of upstream's list is wrong{': made by ' + signed_by[0] if signed_by else ''}",
            where=signature.url,
            hint=f"do not use the list; it must be signed by {' or '.join(signature.keys)}",
        )
    if not signed_by:
        return f"not verified: this machine's keyring lacks {' and '.join(signature.keys)}"
    return VERIFIED


def _ask(program: str, content: bytes, signature: bytes) -> str:
    with tempfile.TemporaryDirectory(prefix="provision-signature-") as folder:
        signed, detached = Path(folder) / "list", Path(folder) / "list.sig"
        signed.write_bytes(content)
        detached.write_bytes(signature)
        argv = [
            program,
            "--batch",
            "--no-auto-key-retrieve",
            "--status-fd",
            "1",
            "--verify",
            str(detached),
            str(signed),
        ]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_MOST_SECONDS).stdout

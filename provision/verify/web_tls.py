"""Who vouches for a site's certificate?"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from provision.models.observation_web import TlsObservation
from provision.models.plan import Site
from provision.verify.web_steps import CONNECT_TIMEOUT_S, describe


class _Session(NamedTuple):
    version: str
    expires: str


def observe_tls(site: Site, ca_file: Path | None) -> TlsObservation:
    """The site by the host of its url and by its name, with the root that shall vouch for it; then with the system's
    CAs. `ca_file` None: a public CA vouches."""
    parts = urlsplit(site.url)
    host, port = parts.hostname or site.host, parts.port or 443
    address = site.address or host
    trusted, error, session = False, "", _Session("", "")
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        session = _shake_hands(context, address, port, host)
        _shake_hands(context, address, port, site.host)
        trusted = True
    except OSError as problem:
        error = describe(problem)
    return TlsObservation(
        site=site.name,
        url=site.url,
        trusted=trusted,
        trusted_error=error,
        refused_without_ca=trusted and _is_refused(address, port, host),
        version=session.version,
        expires=session.expires,
    )


def _is_refused(address: str, port: int, host: str) -> bool:
    try:
        _shake_hands(ssl.create_default_context(), address, port, host)
    except ssl.SSLCertVerificationError:
        return True
    except OSError:
        return False
    return False


def _shake_hands(context: ssl.SSLContext, address: str, port: int, name: str) -> _Session:
    """Connect and verify the certificate for `name`. Raises OSError; ssl.SSLCertVerificationError if it is refused."""
    with (
        socket.create_connection((address, port), timeout=CONNECT_TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        certificate = wrapped.getpeercert() or {}
        return _Session(wrapped.version() or "", str(certificate.get("notAfter", "")))

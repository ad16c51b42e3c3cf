"""Who vouches for an upstream's certificate: the machine's public CAs, or those alone that the policy names for it."""

from __future__ import annotations

import ssl
from functools import lru_cache


@lru_cache(maxsize=64)
def make_trust(authority: str | None) -> ssl.SSLContext:
    """Certificate and host name are always verified. `authority`: certificates in PEM; None: those of the machine.

    Raises ValueError for a text without a certificate.
    """
    try:
        if authority == "":
            raise ValueError("ssl takes an empty text for none, and would trust the machine's own")
        # With cadata, it loads none of the machine's own (ssl.create_default_context).
        context = ssl.create_default_context(cadata=authority)
    except (ssl.SSLError, TypeError, ValueError):
        raise ValueError("it holds no certificate in PEM") from None
    context.set_alpn_protocols(["http/1.1"])
    return context

"""Can a supplied certificate serve the sites? Pure: PEM in, problems out, each with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import (
    Certificate,
    DNSName,
    ExtensionNotFound,
    SubjectAlternativeName,
    load_pem_x509_certificates,
)

Problem = tuple[str, str]
"""What is wrong, and the next step."""
_ASK = "ask whoever issued it for a new one"
_ORDER = "write the site's certificate first, then the one that issued it, and so on"


def find_problems(chain: bytes, key: bytes, hosts: Sequence[str], now: datetime) -> list[Problem]:
    """Everything that keeps `chain` with `key` (both PEM) from serving `hosts` at `now` (with its time zone)."""
    try:
        certificates = load_pem_x509_certificates(chain)
    except ValueError:
        return [("the certificate's file holds no certificate in PEM", "give the PEM file: BEGIN CERTIFICATE")]
    return [
        *_judge_key(certificates[0], key),
        *_judge_names(certificates[0], hosts),
        *(problem for certificate in certificates for problem in _judge_time(certificate, now)),
        *_judge_order(certificates),
    ]


def find_chain_problems(chain: bytes, authority: bytes) -> list[Problem]:
    """Whether the root in `authority` (PEM) vouches for the last certificate of `chain`."""
    try:
        last, roots = load_pem_x509_certificates(chain)[-1], load_pem_x509_certificates(authority)
    except ValueError:
        return [("the authority's file holds no certificate in PEM", "give the PEM file: BEGIN CERTIFICATE")]
    if any(last == root or _issued(last, root) for root in roots):
        return []
    return [
        (
            f"the authority did not issue {_name(last)}",
            "add the certificates in between to the certificate's file, or name the root that vouches for them",
        )
    ]


def find_authority_problems(authority: bytes, now: datetime) -> list[Problem]:
    """Everything that keeps the certificates in `authority` (PEM) from vouching for a host at `now`."""
    try:
        certificates = load_pem_x509_certificates(authority)
    except ValueError:
        return [("the authority's file holds no certificate in PEM", "give the PEM file: BEGIN CERTIFICATE")]
    return [problem for certificate in certificates for problem in _judge_time(certificate, now)]


def only_certificates(content: bytes) -> str:
    """The certificates in a PEM file, without what else may lie there: words, or a private key."""
    return "".join(item.public_bytes(Encoding.PEM).decode() for item in load_pem_x509_certificates(content))


def _judge_key(certificate: Certificate, key: bytes) -> Iterator[Problem]:
    try:
        private = load_pem_private_key(key, password=None)
    except TypeError:
        yield (
            "the private key is encrypted",
            "decrypt it into a file of your own: openssl pkey -in KEY -out NEW",
        )
        return
    except ValueError:
        yield "the key's file holds no private key in PEM", "give the PEM file: BEGIN PRIVATE KEY"
        return
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        yield "the private key is neither RSA nor elliptic curve, which browsers want", _ASK
    elif _spki(private.public_key()) != _spki(certificate.public_key()):
        yield (
            "the private key is not the one of the certificate",
            "give the key that the certificate was asked with; the site's certificate comes first in its file",
        )


def _spki(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined, no-any-return]


def _judge_names(certificate: Certificate, hosts: Sequence[str]) -> Iterator[Problem]:
    try:
        extension = certificate.extensions.get_extension_for_class(SubjectAlternativeName)
        names = [name.lower() for name in extension.value.get_values_for_type(DNSName)]
    except ExtensionNotFound:
        names = []
    missing = [host for host in hosts if not any(_covers(name, host) for name in names)]
    if missing:
        yield (
            f"the certificate is for {', '.join(names) or 'no name'}, not for {', '.join(missing)}",
            "get one with the names of all sites, or set network.domain to the one it is for",
        )


def _covers(name: str, host: str) -> bool:
    """As RFC 6125 has it: '*.' stands for exactly one part."""
    return name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:])


def _judge_time(certificate: Certificate, now: datetime) -> Iterator[Problem]:
    if now >= certificate.not_valid_after_utc:
        yield f"{_name(certificate)} expired on {certificate.not_valid_after_utc:%Y-%m-%d}", _ASK
    elif now < certificate.not_valid_before_utc:
        yield (
            f"{_name(certificate)} is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            "look at this machine's clock, or wait",
        )


def _judge_order(certificates: Sequence[Certificate]) -> Iterator[Problem]:
    for below, above in pairwise(certificates):
        if not _issued(below, above):
            yield f"{_name(above)} comes after {_name(below)}, which it did not issue", _ORDER
            return


def _issued(below: Certificate, above: Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _name(certificate: Certificate) -> str:
    return f"'{certificate.subject.rfc4514_string() or 'a certificate without a subject'}'"

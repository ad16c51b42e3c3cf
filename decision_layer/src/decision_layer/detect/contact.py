"""E-mail addresses and dates of birth, found from the sign or word that gives them away."""

from __future__ import annotations

import re

from decision_layer.detect.dates import DATE
from decision_layer.detect.hits import Hits

_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}")  # matched backwards
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,62}")
_SPOKEN = re.compile(
    r"[\[({]\s?(?:at|ät|snabel-?a|a)\s?[\])}] ?"
    r"((?:[\w-]{1,63}+(?:\.| ?[\[({]\s?(?:dot|punkt|punktum)\s?[\])}] ?)){1,8}[^\W\d_]{2,24})",
    re.IGNORECASE,
)
_LOCAL_MAX = 64
_DOB_REACH = 48
_DIGIT = re.compile(r"\d")


def scan_mail(text: str, hits: Hits) -> None:
    """Each "@" once: at most 64 characters are looked at before it (RFC 5321, 4.5.3.1.1)."""
    at = text.find("@")
    while at >= 0:
        local = _LOCAL.match(text[max(0, at - _LOCAL_MAX) : at][::-1])
        domain = _DOMAIN.match(text, at + 1) if local else None
        if local and domain:
            hits.add("email", f"{local[0][::-1]}@{domain[0]}".lower())
        at = text.find("@", at + 1)


def scan_spoken_mail(text: str, at: int, hits: Hits) -> None:
    """`name (at) firm.dk`, where `at` is where its bracket stands."""
    match = _SPOKEN.match(text, at, min(len(text), at + 160))
    local = _LOCAL.match(text[max(0, at - _LOCAL_MAX) : at].rstrip(" ")[::-1]) if match else None
    if match and local:
        hits.add("email", f"{local[0][::-1]}@{match[1]}".lower())


def scan_born(text: str, after: int, hits: Hits) -> None:
    """A date within 48 characters of a word such as "born" that ends at `after`, on the same line or the next."""
    digit = _DIGIT.search(text, after, after + _DOB_REACH)
    match = DATE.search(text, after, min(len(text), after + _DOB_REACH)) if digit else None
    if match is not None:
        hits.add("dob", match[0])

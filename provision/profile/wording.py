"""What a user reads for each kind of fault: the fault, and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Mapping

from provision.profile.text import show

_NAME_HINT = "use a-z, 0-9 and '-', beginning with a letter, at most 40 characters"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

PATTERNS = {
    r"^[a-z][a-z0-9-]{0,39}$": ("which is not a name", _NAME_HINT),
    r"^[a-z][a-z0-9_]{0,39}$": ("which is not a service's name", "write for example open_webui"),
    r"^[a-z0-9][a-z0-9._-]{0,60}$": ("which is not a model's name", "`provision models` lists them"),
    r"^[A-Za-z][A-Za-z0-9._-]{0,62}[A-Za-z0-9]$": (
        "which is not a storage of Proxmox",
        "write for example local-lvm; `pvesm status` on the node lists them",
    ),
    r"^[a-z0-9_]{1,16}$": ("which is not a quantisation", "write for example q4_k_m"),
    rf"^{_LABEL}(\.{_LABEL})*$": ("which is not a host or domain name", "write for example pve.example.lan"),
    r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$": (
        "which is not a mail address",
        "write for example admin@example.com",
    ),
    r"^[^\x00-\x1f\x7f{}%\"'`$\\]{1,60}$": (
        "which is not a person's name",
        "use 1 to 60 characters, none of { } % \" ' ` $ \\",
    ),
    r"^[^\x00-\x1f\x7f{}%\"'`$\\]{1,80}$": (
        "which is not a product's name",
        "use 1 to 80 characters, none of { } % \" ' ` $ \\",
    ),
}
"""By the pattern of `provision.models.profile` that did not match; a test holds the two together."""

HINTS = {
    "int_type": ("which is not a whole number", "write digits, without quotes or a unit"),
    "int_from_float": ("which is not a whole number", "write digits without a fraction"),
    "int_parsing_size": ("which is not a number that makes sense here", "write fewer digits"),
    "string_type": ("which is not a text", "put it in quotes if it is meant as text"),
    "string_too_long": ("which is too long", "write at most {max_length} characters"),
    "string_too_short": ("which is too short", "write at least {min_length} characters"),
    "tuple_type": ("which is not a list", "write items in [ ] or on lines that begin with '-'"),
    "too_short": ("which has too few items", "write at least {min_length}"),
    "too_long": ("which has too many items", "write at most {max_length}"),
    "model_type": ("which is not a group of keys", "write its `key: value` lines below it, indented"),
    "model_attributes_type": ("which is not a group of keys", "write its `key: value` lines below it, indented"),
    "greater_than": ("which is too small", "write more than {gt}"),
    "greater_than_equal": ("which is too small", "write at least {ge}"),
    "less_than": ("which is too large", "write less than {lt}"),
    "less_than_equal": ("which is too large", "write at most {le}"),
    "ip_v4_network": ("which is not an IPv4 network", "write for example 10.42.0.0/24, with zeros for the hosts"),
}
"""By pydantic's error type, with its context filled in."""


def describe(value: object) -> str:
    """A value as an error shows it, on one line."""
    if value is None:
        return "empty"
    if isinstance(value, str):
        return f"'{show(value)}'"
    if isinstance(value, Mapping):
        return "a group of keys"
    if isinstance(value, list | tuple):
        return "a list"
    return show(json.dumps(value, default=str))

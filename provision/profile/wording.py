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
    rf"^https://{_LABEL}(\.{_LABEL})+(:[0-9]{{1,5}})?(/[A-Za-z0-9._~-]+)*$": (
        "which is not the address of an issuer",
        "write for example https://login.example.com/realms/firm, without a slash at the end",
    ),
    r"^[A-Za-z0-9._~:@/-]{1,200}$": ("which is not a client's id", "write it as the provider shows it"),
    r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,126}$": (
        "which is not a model's name",
        "write it as its provider does, for example mistral-medium-latest",
    ),
    r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$": ("which is not one plain word", "write for example marketing"),
    r"^[a-z0-9_]{1,16}$": ("which is not a quantisation", "write for example q4_k_m"),
    rf"^{_LABEL}(\.{_LABEL})*$": ("which is not a host or domain name", "write for example pve.example.lan"),
    r"^/dev/[A-Za-z0-9][A-Za-z0-9/._:+-]{0,120}$": (
        "which is not a disk's path",
        "write for example /dev/nvme0n1; `lsblk` on the host lists them",
    ),
    r"^http://[0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]{1,5})?$": (
        "which is not the address of a mirror",
        "write for example http://192.168.10.5:8099, as provision mirror serve says it",
    ),
    rf"^https://{_LABEL}(\.{_LABEL})*(:[0-9]{{1,5}})?/[A-Za-z0-9._~/-]*$": (
        "which is not the directory of an ACME server",
        "write for example https://ca.example.com/acme/directory",
    ),
    rf"^https?://{_LABEL}(\.{_LABEL})*(:[0-9]{{1,5}})?/[A-Za-z0-9._~/-]*$": (
        "which is not an address that the gateway can ask",
        "write for example https://auth.example.com/api/authz/forward-auth",
    ),
    r"^[A-Za-z][A-Za-z0-9-]{0,59}$": ("which is not the name of a header", "write for example Remote-User"),
    r"^/[A-Za-z0-9._/@+-]{1,254}$": (
        "which is not the path of a file from its root",
        "write for example /etc/ssl/private/site.key",
    ),
    r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$": (
        "which is not a mail address",
        "write for example admin@example.com",
    ),
    rf"^{_LABEL}(\.{_LABEL})*:[0-9]{{1,5}}$": (
        "which is not a mail server and its port",
        "write for example mail.example.com:587",
    ),
    rf"^https?://{_LABEL}(\.{_LABEL})*(:[0-9]{{1,5}})?(/[A-Za-z0-9._~/-]*)?$": (
        "which is not the address of a webhook",
        "write for example https://hooks.example.com/alerts, without a name, a password or a question mark",
    ),
    r"^[A-Za-z0-9._%+@-]{1,100}$": ("which is not the name of an account", "write for example alerts@example.com"),
    r"^[^\x00-\x1f\x7f{}%\"'`$\\]{1,40}$": (
        "which is not the name of a class of documents",
        "use 1 to 40 characters, none of { } % \" ' ` $ \\",
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

PILOT_PATTERNS = {
    r"^[a-z][a-z0-9_-]{0,39}$": ("which is not a class's or a task's name", _NAME_HINT),
    r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$": (
        "which is not the address of an API",
        "write for example http://127.0.0.1:8090/v1, without a name, a password or a question mark",
    ),
    r"^[A-Z][A-Z0-9_]{0,80}$": ("which is not the name of a variable", "write for example PILOT_KEY"),
}
"""The same for `provision.models.pilot`."""

HINTS = {
    "int_type": ("which is not a whole number", "write digits, without quotes or a unit"),
    "int_from_float": ("which is not a whole number", "write digits without a fraction"),
    "decimal_type": ("which is not a number", "write digits, without a unit"),
    "decimal_parsing": ("which is not a number", "write digits, without a unit"),
    "int_parsing_size": ("which is not a number that makes sense here", "write fewer digits"),
    "float_type": ("which is not a number", "write digits, without quotes or a unit"),
    "bool_type": ("which is neither true nor false", "write true or false, without quotes"),
    "date_from_datetime_parsing": ("which is not a date", "write for example 2026-11-30"),
    "date_type": ("which is not a date", "write for example 2026-11-30"),
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
    "ip_v4_address": ("which is not an IPv4 address", "write for example 192.0.2.25"),
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

"""The way out: whether a user may open a TCP connection."""

from __future__ import annotations

import encodings.idna  # noqa: F401 (looked up by name at the first connection: then it may be too late to read it)
import errno
import os
import pwd
import socket
import time

from probe_parts.commands import call_self
from probe_parts.told import Json, describe

EGRESS_TIMEOUT_S = 3


def observe_egress(entry: Json) -> Json:
    """In a process of its own, which becomes the user and cannot come back."""
    user, host, port = entry["user"], entry["host"], entry["port"]
    answer, error = call_self(["--egress-test", host, str(port), "--user", user], EGRESS_TIMEOUT_S + 10)
    if answer is not None:
        return answer
    return {"user": user, "host": host, "port": port, "outcome": "error", "seconds": 0.0, "error": error}


def try_egress(user: str, host: str, port: int) -> Json:
    started = time.monotonic()
    outcome, problem = "connected", None
    try:
        become(user)
        with socket.create_connection((host, port), timeout=EGRESS_TIMEOUT_S):
            pass
    except Exception as error:
        outcome, problem = name_outcome(error), describe(error)
    seconds = round(time.monotonic() - started, 3)
    return {"user": user, "host": host, "port": port, "outcome": outcome, "seconds": seconds, "error": problem}


class CannotBecome(Exception):
    """The test itself could not be made: it says nothing of the network."""


def become(user: str) -> None:
    try:
        account = pwd.getpwnam(user)
        if account.pw_uid != os.geteuid():
            os.initgroups(user, account.pw_gid)
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
    except (KeyError, OSError) as error:
        raise CannotBecome(f"cannot become {user}: {describe(error)}") from error


def name_outcome(error: Exception) -> str:
    """A dropped packet times out, a rejected one is refused, unreachable or denied; a missing name is an error."""
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "timeout"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, PermissionError):
        return "denied"
    unreachable = {"ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL"}
    if isinstance(error, OSError) and errno_name(error) in unreachable:
        return "unreachable"
    return "error"


def errno_name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "")

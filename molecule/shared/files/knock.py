#!/usr/bin/python3
"""Say how a TCP connection ended: open, refused, unreachable or silent. For the verify playbooks.

`knock.py ADDRESS PORT [TIMEOUT_SECONDS]`
"""

from __future__ import annotations

import errno
import socket
import sys


def knock(address: str, port: int, timeout: float) -> str:
    try:
        socket.create_connection((address, port), timeout=timeout).close()
    except TimeoutError:
        return "silent"
    except OSError as error:
        known = {errno.ECONNREFUSED: "refused", errno.EHOSTUNREACH: "unreachable", errno.EACCES: "unreachable"}
        return known.get(error.errno or 0, repr(error))
    return "open"


if __name__ == "__main__":
    print(knock(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 2.0))

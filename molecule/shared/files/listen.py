#!/usr/bin/python3
"""Accept and close connections on the given ports until it is ended. For the verify playbooks."""

from __future__ import annotations

import selectors
import socket
import sys

selector = selectors.DefaultSelector()
for number in sys.argv[1:]:
    selector.register(socket.create_server(("0.0.0.0", int(number))), selectors.EVENT_READ)  # noqa: S104
while True:
    for key, _ in selector.select():
        server = key.fileobj
        if isinstance(server, socket.socket):
            server.accept()[0].close()

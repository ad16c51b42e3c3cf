#!/usr/bin/python3
"""What alerts reach in the scenario: a mail server (SMTP with AUTH PLAIN) and a webhook, each on loopback.

    listeners.py FOLDER

Every mail is written to FOLDER/mail, every POST with its Authorization header to FOLDER/hook.
"""

from __future__ import annotations

import base64
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

FOLDER = Path(sys.argv[1])


class Mail(socketserver.StreamRequestHandler):
    """RFC 5321, as far as one client needs it; who does not sign in as alerts is refused at MAIL."""

    def handle(self) -> None:
        known = False
        self.say("220 mail.molecule.lab")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(" ", 1)[0].upper()
            if verb == "EHLO":
                self.say("250-mail.molecule.lab", "250 AUTH PLAIN")
            elif verb == "AUTH":
                known = base64.b64decode(line.split()[-1]) == b"\0alerts\0canary-mail-7341"
                self.say("235 yes" if known else "535 no")
            elif verb == "MAIL" and not known:
                self.say("530 sign in")
            elif verb == "DATA":
                self.say("354 go on")
                text = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    text += part
                with (FOLDER / "mail").open("ab") as file:
                    file.write(text)
                self.say("250 kept")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 yes")

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


class Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with (FOLDER / "hook").open("ab") as file:
            file.write(f"{self.headers.get('Authorization')} ".encode() + body + b"\n")
        self.send_response(200)
        self.end_headers()


socketserver.ThreadingTCPServer.allow_reuse_address = True
mail = socketserver.ThreadingTCPServer(("127.0.0.1", 2525), Mail)
threading.Thread(target=mail.serve_forever, daemon=True).start()
HTTPServer(("127.0.0.1", 8025), Hook).serve_forever()

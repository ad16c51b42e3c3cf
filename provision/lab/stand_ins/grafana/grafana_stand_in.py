#!/usr/bin/env python3
"""A stand-in for Grafana: the part of its HTTP API that our role and `provision verify` use, no pages.

    grafana_stand_in.py server --homepath=FOLDER --config=FILE
    grafana_stand_in.py cli --homepath FOLDER --config FILE admin reset-admin-password --password-from-stdin

It reads the same grafana.ini, environment and provisioning files as Grafana, keeps its accounts in grafana.db, and asks
the real Prometheus for each query. It calls itself a stand-in in /api/health.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import urllib.error
import urllib.request
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from grafana_accounts import Accounts
from grafana_settings import Settings, read_dashboards, read_data_sources

VERSION = "13.1.7-stand-in"
COOKIE = "grafana_session"
PROXY = "/api/datasources/proxy/uid/"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, settings: Settings) -> None:
        super().__init__((settings.get("server", "http_addr"), int(settings.get("server", "http_port"))), Handler)
        self.settings, self.accounts = settings, Accounts(settings.data)
        names = ("admin_user", "admin_email", "admin_password")
        self.accounts.start(*(settings.get("security", name) for name in names))


class Handler(BaseHTTPRequestHandler):
    """One connection. Refusals and errors are `{message}`, as upstream's."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def answer(self, body: bytes) -> None:
        path = urlsplit(self.path).path
        if path == "/api/health":
            self.send(200, {"database": "ok", "version": VERSION, "commit": "stand-in"})
        elif path == "/login":
            self.log_in(body)
        elif path == "/api/user/signup" and not self.server.settings.is_on("users", "allow_sign_up"):
            self.send(401, {"message": "User signup is disabled"})
        elif not path.startswith("/api/"):
            self.send(302, {}, {"Location": "/login"})
        elif (login := self.find_login()) is not None:
            self.answer_account(path, body, login)
        elif self.headers.get("Authorization"):
            self.send(401, {"message": "Invalid username or password"})
        else:
            self.send(401, {"message": "Unauthorized"})

    def find_login(self) -> str | None:
        """Who asks, by session or by name and password; '' for anybody where anonymous access is on."""
        session = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        if session and session.value in self.server.accounts.sessions:
            return str(self.server.accounts.sessions[session.value])
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            name, _, password = base64.b64decode(given).decode(errors="replace").partition(":")
            found: str | None = self.server.accounts.check(name, password)
            return found
        return "" if self.server.settings.is_on("auth.anonymous", "enabled") else None

    def log_in(self, body: bytes) -> None:
        if self.command == "GET":
            self.send(200, {"message": "a stand-in has no pages"})
            return
        given = json.loads(body or b"{}")
        login = self.server.accounts.check(str(given.get("user")), str(given.get("password")))
        if login is None:
            self.send(401, {"message": "Invalid username or password"})
            return
        cookie = f"{COOKIE}={self.server.accounts.open_session(login)}; Path=/; HttpOnly; SameSite=Lax; Secure"
        self.send(200, {"message": "Logged in", "redirectUrl": "/"}, {"Set-Cookie": cookie})

    def answer_account(self, path: str, body: bytes, login: str) -> None:
        settings = self.server.settings
        if path == "/api/user":
            self.send(200, {"id": 1, "uid": "stand-in", "login": login, "email": login, "isGrafanaAdmin": True})
        elif path == "/api/datasources":
            self.send(200, read_data_sources(settings.provisioning))
        elif path == "/api/search":
            self.send(200, [describe(uid, one) for uid, one in read_dashboards(settings.provisioning).items()])
        elif path.startswith("/api/dashboards/uid/"):
            found = read_dashboards(settings.provisioning).get(path.rpartition("/")[2])
            self.send(*((200, found) if found else (404, {"message": "Dashboard not found"})))
        elif path.startswith(PROXY):
            self.ask_data_source(path.removeprefix(PROXY), body)
        else:
            self.send(404, {"message": "Not found"})

    def ask_data_source(self, route: str, body: bytes) -> None:
        """The data source's own answer, as the proxy of Grafana passes it on."""
        uid, _, rest = route.partition("/")
        sources = {source["uid"]: source for source in read_data_sources(self.server.settings.provisioning)}
        if uid not in sources:
            self.send(404, {"message": "Unable to find datasource"})
            return
        query = urlsplit(self.path).query
        url = f"{sources[uid]['url'].rstrip('/')}/{rest}" + (f"?{query}" if query else "")
        headers = {"Content-Type": self.headers.get("Content-Type", "")} if body else {}
        request = urllib.request.Request(url, body or None, headers, method=self.command)  # noqa: S310 - provisioned
        try:
            with OPENER.open(request, timeout=30) as response:
                self.send(response.status, json.load(response))
        except urllib.error.HTTPError as error:
            self.send(error.code, json.load(error))
        except (OSError, ValueError) as error:
            self.send(502, {"message": f"Bad gateway: {error}"})

    def send(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Upstream logs no requests either, unless told to."""


def describe(uid: str, one: dict[str, Any]) -> dict[str, Any]:
    """A dashboard as /api/search lists it."""
    meta, dashboard = one["meta"], one["dashboard"]
    return {
        "id": 1,
        "uid": uid,
        "title": dashboard["title"],
        "uri": f"db/{uid}",
        "url": meta["url"],
        "slug": "",
        "type": "dash-db",
        "tags": dashboard.get("tags", []),
        "isStarred": False,
        "folderUid": meta["folderUid"],
        "folderTitle": meta["folderTitle"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="grafana")
    parser.add_argument("command", choices=["server", "cli"])
    parser.add_argument("--homepath", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("action", nargs="*")
    parser.add_argument("--password-from-stdin", action="store_true")
    given = parser.parse_intermixed_args()
    settings = Settings(given.config)
    if given.command == "server":
        server = Server(settings)
        print(f"Grafana {VERSION} listens on {server.server_address}", flush=True)
        server.serve_forever()
    elif given.action == ["admin", "reset-admin-password"] and given.password_from_stdin:
        Accounts(settings.data).reset(sys.stdin.readline().removesuffix("\n"))
        print("Admin password changed successfully")
    else:
        parser.error("the stand-in knows only: cli admin reset-admin-password --password-from-stdin")


if __name__ == "__main__":
    main()

"""Connections to the upstreams, kept while they are warm: no proxy of the environment, no cookies, no redirects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from decision_layer.gateway.channel import Answer, BrokenError, Channel
from decision_layer.trust import make_trust

_CONNECT_S = 5.0
_IDLE_S = 4.0
"""Shorter than the 5 s after which uvicorn and Node close: no request is sent into a connection that is ending."""


class Place(NamedTuple):
    """The first four say which connections serve it."""

    host: str
    port: int
    tls: bool
    authority: str | None
    host_header: str
    path: str


@lru_cache(maxsize=1024)
def find_place(url: str, authority: str | None = None) -> Place:
    """Host, port and path of a policy's URL; ValueError where it has none that can be sent."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    if parts.hostname is None or parts.scheme not in ("http", "https") or not url.isascii() or not url.isprintable():
        raise ValueError("this is no URL to send to")
    netloc = parts.netloc.rpartition("@")[2]
    return Place(parts.hostname, parts.port or (443 if tls else 80), tls, authority, netloc, parts.path or "/")


def encode_request(place: Place, headers: dict[str, str], body: bytes) -> bytes:
    """ValueError where a header would be more than one line (a key with a line break in it)."""
    lines = [f"POST {place.path} HTTP/1.1\r\nHost: {place.host_header}\r\nContent-Length: {len(body)}\r\n"]
    for name, value in headers.items():
        if not value.isprintable() or not value.isascii():
            raise ValueError("a header is no line of ASCII")
        lines.append(f"{name}: {value}\r\n")
    return b"".join(("".join(lines).encode("ascii"), b"\r\n", body))


class Pool:
    """Idle connections by host and by who vouched for it. There is no limit but the clients' own: each request has at
    most one under way."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int, bool, str | None], list[Channel]] = {}
        make_trust(None)  # the machine's CAs are read now, not while somebody waits

    async def post(
        self,
        url: str,
        headers: dict[str, str],
        body: bytes,
        *,
        silent_s: float,
        authority: str | None = None,
        connected: Callable[[], None] | None = None,
    ) -> Answer:
        """The answer once its head is here; the caller close()s it. Raises BrokenError.

        `authority`: certificates (PEM) that alone vouch for the host; None: the machine's own. `connected`: called
        where it had to wait for a connection, before anything is sent; what it raises ends the try. Never sent twice:
        a POST that got no answer may have been carried out.
        """
        try:
            place = find_place(url, authority)
            request = encode_request(place, headers, body)
        except ValueError as error:
            raise BrokenError("unsendable") from error
        channel = self._take(place)
        if channel is None:
            channel = await self._connect(place)
            if connected is not None:
                try:
                    connected()
                except BaseException:
                    channel.cut()
                    raise
        answer = channel.ask(request)
        try:
            await answer.head(silent_s)
        except BaseException:
            answer.close()
            raise
        answer.release = lambda: self._keep(place, channel)
        return answer

    def close(self) -> None:
        for channels in self._idle.values():
            for channel in channels:
                channel.cut()
        self._idle.clear()

    def _take(self, place: Place) -> Channel | None:
        idle = self._idle.get(place[:4])
        oldest = asyncio.get_running_loop().time() - _IDLE_S
        while idle:
            channel = idle.pop()
            if channel.usable and channel.idle_since > oldest:
                return channel
            channel.cut()
        return None

    def _keep(self, place: Place, channel: Channel) -> None:
        idle = self._idle.setdefault(place[:4], [])
        if channel.usable:
            idle.append(channel)
        oldest = asyncio.get_running_loop().time() - _IDLE_S
        while idle and idle[0].idle_since <= oldest:  # the last is taken first, so the oldest stand in front
            idle.pop(0).cut()

    async def _connect(self, place: Place) -> Channel:
        loop = asyncio.get_running_loop()
        try:
            context = make_trust(place.authority) if place.tls else None
            async with asyncio.timeout(_CONNECT_S):
                _, channel = await loop.create_connection(
                    lambda: Channel(loop),
                    place.host,
                    place.port,
                    ssl=context,
                    server_hostname=place.host if place.tls else None,
                )
        except (OSError, TimeoutError, ValueError) as error:  # ssl.SSLError is an OSError
            raise BrokenError("timeout" if isinstance(error, TimeoutError) else "no_connection") from error
        return channel

"""The connection to an upstream, against a server that answers with the bytes it is given."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from decision_layer.gateway.channel import Answer, BrokenError
from decision_layer.gateway.pool import Pool, encode_request, find_place
from tests.gateway.running import make_certificate

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
TO_THE_END = b"HTTP/1.1 200 OK\r\n\r\nhello"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + WHOLE


class Server:
    """Answers each request with the next of `replies`; "" in its place closes, what is left open stays open."""

    def __init__(self, *replies: bytes, then_close: bool = False) -> None:
        self.replies, self.then_close = list(replies), then_close
        self.connections = 0
        self.heads: list[bytes] = []
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.replies:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(size)
                writer.write(self.replies.pop(0))
                await writer.drain()
                if self.then_close:
                    break
            else:
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        self.left.set()
        writer.close()


def ask(server: Callable[[], Server], use: Callable[[Pool, str, Server], Awaitable[None]]) -> None:
    async def run() -> None:
        own, pool = server(), Pool()
        listening = await asyncio.start_server(own.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1/x"
        try:
            await use(pool, url, own)
        finally:
            pool.close()
            listening.close()

    uvloop.run(asyncio.wait_for(run(), 30))


async def post(pool: Pool, url: str, silent_s: float = 10.0) -> Answer:
    return await pool.post(url, {"Content-Type": "application/json"}, b"{}", silent_s=silent_s)


async def read(answer: Answer, silent_s: float = 10.0) -> bytes:
    pieces = []
    try:
        while piece := await answer.read(silent_s):
            pieces.append(piece)
    finally:
        answer.close()
    return b"".join(pieces)


def test_who_objects_once_it_is_connected_has_nothing_sent() -> None:
    def objects() -> None:
        raise PermissionError

    async def use(pool: Pool, url: str, server: Server) -> None:
        with pytest.raises(PermissionError):
            await pool.post(url, {}, b"{}", silent_s=10, connected=objects)
        await asyncio.wait_for(server.left.wait(), 10)
        assert (server.connections, server.heads) == (1, [])

    ask(lambda: Server(WHOLE), use)


@pytest.mark.parametrize("reply", [WHOLE, CHUNKED, TO_THE_END, EARLY], ids=["length", "chunks", "to the end", "early"])
def test_every_form_of_an_answer_is_read(reply: bytes) -> None:
    async def use(pool: Pool, url: str, _: Server) -> None:
        answer = await post(pool, url)
        assert answer.status == 200
        assert await read(answer) == b"hello"

    ask(lambda: Server(reply, then_close=reply == TO_THE_END), use)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (WHOLE[:-2], "reset"),
        (CHUNKED[:-9], "reset"),
        (b"", "reset"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "reset"),
        (b"220 smtp ready\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400_000, "malformed"),
    ],
)
def test_what_is_no_whole_answer_is_told_as_broken(reply: bytes, code: str) -> None:
    async def use(pool: Pool, url: str, _: Server) -> None:
        with pytest.raises(BrokenError, match=f"^({code}|reset)$"):
            await read(await post(pool, url))

    ask(lambda: Server(reply, then_close=True), use)


def test_silence_is_bounded_before_the_head_and_in_the_body() -> None:
    async def use(pool: Pool, url: str, _: Server) -> None:
        answer = await post(pool, url)
        with pytest.raises(BrokenError, match=r"^timeout$"):
            await read(answer, silent_s=0.05)
        with pytest.raises(BrokenError, match=r"^timeout$"):
            await post(pool, url, silent_s=0.05)

    ask(lambda: Server(WHOLE[:-2], b"", b"never"), use)


def test_a_connection_is_used_again_once_its_answer_was_read() -> None:
    async def use(pool: Pool, url: str, server: Server) -> None:
        for _ in range(3):
            assert await read(await post(pool, url)) == b"hello"
        assert server.connections == 1

    ask(lambda: Server(WHOLE, CHUNKED, WHOLE, b"never"), use)


@pytest.mark.parametrize(
    "first",
    [WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), WHOLE + WHOLE.replace(b"hello", b"wrong")],
    ids=["it says so", "more than was asked for"],
)
def test_and_not_where_it_ends_or_says_more_than_it_was_asked(first: bytes) -> None:
    async def use(pool: Pool, url: str, server: Server) -> None:
        assert await read(await post(pool, url)) == b"hello"
        assert await read(await post(pool, url)) == b"hello"
        assert server.connections == 2

    ask(lambda: Server(first, WHOLE, b"never"), use)


def test_an_answer_given_up_cuts_the_connection() -> None:
    async def use(pool: Pool, url: str, server: Server) -> None:
        answer = await post(pool, url)
        answer.close()
        await asyncio.wait_for(server.left.wait(), 5)

    ask(lambda: Server(WHOLE[:-2], b"never"), use)


def test_a_waiter_that_is_cancelled_cuts_the_connection() -> None:
    async def use(pool: Pool, url: str, server: Server) -> None:
        waiting = asyncio.ensure_future(post(pool, url))
        await asyncio.sleep(0.1)
        waiting.cancel()
        await asyncio.wait_for(server.left.wait(), 5)

    ask(lambda: Server(b"", b"never"), use)


def test_a_long_answer_waits_for_its_reader_and_is_whole() -> None:
    size = 20_000_000

    async def use(pool: Pool, url: str, _: Server) -> None:
        answer = await post(pool, url)
        await asyncio.sleep(0.3)
        first = await answer.read(10)
        assert len(first) < size / 4  # the rest is still with the upstream
        assert len(first) + len(await read(answer)) == size

    ask(lambda: Server(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size), b"never"), use)


def test_no_header_becomes_two_and_no_url_leads_astray() -> None:
    place = find_place("https://api.example:8443/v1/chat")
    assert (place.host, place.port, place.tls, place.path) == ("api.example", 8443, True, "/v1/chat")
    for value in ("a\r\nX: y", "a\nb", "ä", "\0"):
        with pytest.raises(ValueError, match="no line"):
            encode_request(place, {"Authorization": value}, b"")
    for url in ("ftp://x/", "http:///x", "http://x/a b\r\n"):
        with pytest.raises(ValueError, match="no URL"):
            find_place(url)


def tls_server(folder: Path, server: Server) -> Awaitable[asyncio.Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(folder))
    return asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)


def url_of(listening: asyncio.Server, host: str = "localhost") -> str:
    return f"https://{host}:{listening.sockets[0].getsockname()[1]}/"


def certificate_of(folder: Path) -> str:
    return (folder / "localhost.pem").read_text().partition("-----BEGIN PRIVATE KEY")[0]


def test_a_certificate_that_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    async def run() -> None:
        server = Server(WHOLE)
        listening = await tls_server(tmp_path, server)
        with pytest.raises(BrokenError, match="no_connection"):
            await post(Pool(), url_of(listening))
        assert server.heads == []
        listening.close()

    uvloop.run(asyncio.wait_for(run(), 30))


def test_the_named_authority_alone_vouches(tmp_path: Path) -> None:
    """Not another one, not for another name, and no connection is taken over that somebody else vouched for."""

    async def run() -> None:
        (tmp_path / "other").mkdir()
        make_certificate(tmp_path / "other")
        server, pool = Server(WHOLE, WHOLE), Pool()
        listening = await tls_server(tmp_path, server)
        own, other = certificate_of(tmp_path), certificate_of(tmp_path / "other")
        for _ in range(2):
            answer = await pool.post(url_of(listening), {}, b"{}", silent_s=10, authority=own)
            assert await read(answer) == b"hello"
        assert server.connections == 1  # the second request came over the first one's connection
        for host, authority in (("localhost", other), ("localhost", None), ("127.0.0.1", own)):
            with pytest.raises(BrokenError, match="no_connection"):
                await pool.post(url_of(listening, host), {}, b"{}", silent_s=10, authority=authority)
        assert len(server.heads) == 2
        pool.close()
        listening.close()

    uvloop.run(asyncio.wait_for(run(), 30))

"""The forward proxy, on real sockets: what is answered here, what is passed on, what is refused."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme
import uvloop
from evolink_mock.interception import proxy
from evolink_mock.interception.certificate_authority import Authority, open_authority
from evolink_mock.interception.proxy import (
    Address,
    InterceptedHosts,
    Proxy,
    ProxyConnection,
    ProxyRefusalError,
    ProxyRequest,
    parse_request,
)
from hypothesis import example, given
from hypothesis import strategies as st

HOST = "api.evolink.ai"
NOW = datetime.now(UTC).timestamp()  # OpenSSL judges by the true time
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Play = Callable[[Callable[["World"], Coroutine[Any, Any, None]]], None]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say back what comes, as it comes, and the end of it."""
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer once, with the request as it came."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    body = await reader.readexactly(int(length or 0))
    answer = head + body
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(answer) + answer)
    await writer.drain()
    writer.close()


@dataclass
class World:
    """A proxy, and what stands behind it: `http` and `https` are what it takes for its own server."""

    authority: Authority
    passages: list[ProxyConnection] = field(default_factory=list)
    servers: list[asyncio.Server] = field(default_factory=list)

    async def begin(
        self, http: Serve = repeat, https: Serve = repeat, *, tls: bool = False, offline: bool = False
    ) -> None:
        context = self.authority.server_context([HOST], NOW) if tls else None
        own = await self.serve(http), await self.serve(https, context)
        self.proxy = Proxy(
            InterceptedHosts({HOST}, *own, self.authority.certificate, offline), self.passages.append
        )
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = Address(*listener.getsockname())
        await self.proxy.start(listener)

    async def serve(self, serve: Serve, context: ssl.SSLContext | None = None) -> Address:
        async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await serve(reader, writer)
            writer.close()

        self.servers.append(await asyncio.start_server(quietly, "127.0.0.1", 0, ssl=context))
        return Address(*self.servers[-1].sockets[0].getsockname())

    async def end(self) -> None:
        await self.proxy.close()
        for server in self.servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def ask(self, text: bytes, *, end: bool = False) -> bytes:
        """All that comes back for these bytes."""
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(text)
        if end:
            writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer

    async def tunnel(self, to: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n".encode())
        assert await reader.readexactly(len(ESTABLISHED)) == ESTABLISHED
        return reader, writer


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("data") / "ca", [HOST], NOW)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def play(request: pytest.FixtureRequest, authority: Authority) -> Play:
    """Plays a scene in a world of its own, on either event loop, and sees it end."""

    def run(scene: Callable[[World], Coroutine[Any, Any, None]]) -> None:
        async def limited() -> None:
            async with asyncio.timeout(20):
                world = World(authority)
                try:
                    await scene(world)
                finally:
                    await world.end()

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(limited())

    return run


@pytest.mark.parametrize("name", [HOST, "API.EvoLink.ai", f"{HOST}."])
def test_a_tunnel_to_an_own_host_ends_at_the_https_listener(play: Play, name: str) -> None:
    async def scene(world: World) -> None:
        await world.begin(https=echo)
        reader, writer = await world.tunnel(f"{name}:443")
        writer.write(b"\x16\x03 any bytes")
        assert await reader.readexactly(12) == b"\x16\x03 any bytes"
        writer.close()
        assert world.passages == []

    play(scene)


def test_a_tunnel_to_port_80_of_an_own_host_ends_at_the_http_listener(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.begin(http=echo)
        reader, writer = await world.tunnel(f"{HOST}:80")
        writer.write(b"plain")
        assert await reader.readexactly(5) == b"plain"
        writer.close()

    play(scene)


def test_tls_through_a_tunnel_is_the_api_to_a_client_that_trusts_the_authority(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.begin(https=echo, tls=True)
        _, writer = await world.tunnel(f"{HOST}:443")
        trust = ssl.create_default_context(cafile=str(world.authority.certificate))
        await writer.start_tls(trust, server_hostname=HOST)
        assert dict(writer.get_extra_info("peercert"))["notAfter"]
        writer.close()

    play(scene)


def test_bytes_that_come_with_the_connect_are_not_lost(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.begin(https=echo)
        answer = await world.ask(f"CONNECT {HOST}:443 HTTP/1.1\r\n\r\nhello".encode(), end=True)
        assert answer == ESTABLISHED + b"hello"

    play(scene)


def test_an_absolute_request_to_an_own_host_is_passed_on_as_a_server_expects_it(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.begin()
        answer = await world.ask(
            f"POST http://{HOST}/v1/x?a=1&b=%20 HTTP/1.1\r\nHost: liar.example\r\nProxy-Authorization: Basic c2U=\r\n"
            "Proxy-Connection: keep-alive\r\nConnection: keep-alive\r\nAuthorization: Bearer key\r\n"
            "Content-Length: 4\r\n\r\nbody".encode()
        )
        head, _, seen = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert seen.split(b"\r\n") == [
            b"POST /v1/x?a=1&b=%20 HTTP/1.1",
            b"Host: " + HOST.encode(),
            b"Authorization: Bearer key",
            b"Content-Length: 4",
            b"Connection: close",
            b"",
            b"body",
        ]
        assert world.passages == []

    play(scene)


def test_an_absolute_https_request_reaches_the_https_listener_by_tls(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.begin(http=echo, tls=True)
        answer = await world.ask(f"GET https://{HOST}/v1/credits HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert f"GET /v1/credits HTTP/1.1\r\nHost: {HOST}\r\n" in answer.decode()

    play(scene)


def test_any_other_host_is_passed_on_to(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.begin()
        there = await world.serve(repeat)
        answer = await world.ask(f"GET http://127.0.0.1:{there.port}/y HTTP/1.0\r\n\r\n".encode())
        assert b"\r\n\r\nGET /y HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % there.port in answer
        assert world.passages == [ProxyConnection("127.0.0.1", there.port, "passed on")]

    play(scene)


def test_a_request_of_any_size_passes_both_ways(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.begin()
        there = await world.serve(echo)
        reader, writer = await world.tunnel(f"127.0.0.1:{there.port}")
        body = bytes(range(256)) * 32 * 1024  # 8 MiB
        writer.write(body)
        writer.write_eof()
        assert await reader.read() == body
        writer.close()

    play(scene)


def test_what_is_not_taken_is_not_taken_in(play: Play) -> None:
    """No buffer grows: a client of a server that does not read has to wait."""

    async def scene(world: World) -> None:
        await world.begin()
        read, took = asyncio.Event(), 0

        async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal took
            await read.wait()
            while chunk := await reader.read(65536):
                took += len(chunk)
            writer.close()

        there = await world.serve(late)
        reader, writer = await world.tunnel(f"127.0.0.1:{there.port}")
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                writer.write(bytes(65536))
                async with asyncio.timeout(0.3):
                    await writer.drain()
                sent += 65536
        except TimeoutError:
            sent += 65536
        assert sent < 32 * 1024 * 1024
        read.set()
        writer.write_eof()
        assert (await reader.read(), took) == (b"", sent)
        writer.close()

    play(scene)


def test_a_client_that_has_said_all_still_hears_the_answer(play: Play) -> None:
    async def scene(world: World) -> None:
        async def at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            question = await reader.read()  # comes back only when the client's end has come through
            writer.write(b"heard " + question)
            writer.close()

        await world.begin()
        there = await world.serve(at_the_end)
        reader, writer = await world.tunnel(f"127.0.0.1:{there.port}")
        writer.write(b"all of it")
        writer.write_eof()
        assert await reader.read() == b"heard all of it"
        writer.close()

    play(scene)


def test_a_server_that_has_said_all_still_hears_the_client(play: Play) -> None:
    async def scene(world: World) -> None:
        heard: asyncio.Queue[bytes] = asyncio.Queue()

        async def at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"bye")
            writer.write_eof()
            await heard.put(await reader.read())
            writer.close()

        await world.begin()
        there = await world.serve(at_once)
        reader, writer = await world.tunnel(f"127.0.0.1:{there.port}")
        assert await reader.read() == b"bye"
        writer.write(b"but wait")
        writer.write_eof()
        assert await heard.get() == b"but wait"
        writer.close()

    play(scene)


def test_a_server_that_breaks_off_breaks_the_tunnel(play: Play) -> None:
    async def scene(world: World) -> None:
        async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.transport.abort()

        await world.begin()
        there = await world.serve(cut)
        reader, writer = await world.tunnel(f"127.0.0.1:{there.port}")
        writer.write(b"x")
        with suppress(ConnectionResetError):  # as true
            assert await reader.read() == b""
        writer.close()

    play(scene)


@pytest.mark.parametrize("ask", ["CONNECT example.com:443", "GET http://example.com/?key=secret"])
def test_offline_nothing_else_is_reached_and_the_status_line_says_why(play: Play, ask: str) -> None:
    async def scene(world: World) -> None:
        await world.begin(offline=True)
        answer = await world.ask(f"{ask} HTTP/1.1\r\nHost: example.com\r\n\r\n".encode(), end=True)
        status, _, rest = answer.decode().partition("\r\n")
        assert status == "HTTP/1.1 403 evolink-mock is offline: requests to example.com are refused"
        assert rest.endswith("\r\n\r\nevolink-mock is offline: requests to example.com are refused\n")
        port = 443 if ask.startswith("CONNECT") else 80
        assert world.passages == [ProxyConnection("example.com", port, "refused")]

    play(scene)


def test_offline_the_own_hosts_are_answered(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.begin(offline=True)
        assert b"200 OK" in await world.ask(f"GET http://{HOST}/ HTTP/1.1\r\n\r\n".encode())

    play(scene)


def test_a_refused_client_that_is_still_sending_hears_why(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.begin(offline=True)
        reader, writer = await asyncio.open_connection(*world.address)
        writer.write(b"POST http://example.com/ HTTP/1.1\r\nContent-Length: 30000000\r\n\r\n")
        for _ in range(30):
            writer.write(bytes(1_000_000))
            await writer.drain()
        assert (await reader.readline()).startswith(b"HTTP/1.1 403 ")
        writer.close()

    play(scene)


def test_a_client_that_is_still_sending_gets_the_early_response_of_a_server(play: Play) -> None:
    async def scene(world: World) -> None:
        async def reject(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 401 Unauthorized\r\n\r\n")
            writer.write_eof()
            while await reader.read(65536):
                pass

        await world.begin(http=reject)
        reader, writer = await asyncio.open_connection(*world.address)
        writer.write(f"POST http://{HOST}/ HTTP/1.1\r\nContent-Length: 30000000\r\n\r\n".encode())
        for _ in range(30):
            writer.write(bytes(1_000_000))
            await writer.drain()
        assert await reader.readline() == b"HTTP/1.1 401 Unauthorized\r\n"
        writer.close()

    play(scene)


def test_a_refused_client_is_told_at_once_that_this_is_all(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(world: World) -> None:
        monkeypatch.setattr(proxy, "_LINGER_SECONDS", 60)
        await world.begin(offline=True)
        assert (await world.ask(b"GET http://example.com/ HTTP/1.1\r\n\r\n")).endswith(b"are refused\n")

    play(scene)


def test_a_single_request_ends_with_its_answer_though_the_client_stays(play: Play) -> None:
    async def scene(world: World) -> None:
        heard: asyncio.Queue[bytes] = asyncio.Queue()

        async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            writer.write_eof()
            await heard.put(await reader.read())

        await world.begin()
        there = await world.serve(answers)
        reader, writer = await asyncio.open_connection(*world.address)
        writer.write(f"GET http://127.0.0.1:{there.port}/ HTTP/1.1\r\n\r\n".encode())
        assert (await reader.readline(), await heard.get()) == (b"HTTP/1.1 204 No Content\r\n", b"")
        writer.close()

    play(scene)


@pytest.mark.parametrize("ask", ["CONNECT 127.0.0.1:{}", "GET http://127.0.0.1:{}/"])
def test_what_cannot_be_reached_is_a_502_that_says_so(play: Play, ask: str) -> None:
    async def scene(world: World) -> None:
        await world.begin()
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]
        answer = await world.ask(f"{ask.format(port)} HTTP/1.1\r\n\r\n".encode(), end=True)
        assert answer.startswith(
            f"HTTP/1.1 502 evolink-mock: 127.0.0.1 port {port} cannot be reached: ".encode()
        )
        assert world.passages == [ProxyConnection("127.0.0.1", port, "not reached")]

    play(scene)


def test_a_certificate_that_is_not_trusted_is_a_502(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.begin()
        theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(theirs)
        there = await world.serve(repeat, theirs)
        answer = await world.ask(f"GET https://127.0.0.1:{there.port}/ HTTP/1.1\r\n\r\n".encode(), end=True)
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert b"certificate" in answer

    play(scene)


BAD = {
    "GET / HTTP/1.1": "this port is a proxy",
    "OPTIONS * HTTP/1.1": "this port is a proxy",
    "nonsense": "not an HTTP/1.1 request",
    "GET http://example.com/": "not an HTTP/1.1 request",
    "GET http://example.com/ HTTP/2": "not an HTTP/1.1 request",
    "GET http://example.com/ HTTP/1.1\r\nno colon": "not an HTTP/1.1 request",
    "GET http://example.com/ HTTP/1.1\r\nspace : x": "not an HTTP/1.1 request",
    "GET http://example.com/ HTTP/1.1\r\n folded: x": "not an HTTP/1.1 request",
    "GET ftp://example.com/ HTTP/1.1": "only https is supported",
    "GET http://u:p@example.com/ HTTP/1.1": "has a user name or password",
    "GET http:///x HTTP/1.1": "has no host",
    "CONNECT example.com:0 HTTP/1.1": "has a port that is not in 1..65535",
    "CONNECT example.com:x HTTP/1.1": "has a malformed host or port",
    "CONNECT 127.1:80 HTTP/1.1": "may hide an internal address",
}


@pytest.mark.parametrize("head", BAD)
def test_what_is_no_request_to_a_proxy_is_refused_with_the_reason(play: Play, head: str) -> None:
    async def scene(world: World) -> None:
        await world.begin()
        answer = (await world.ask(f"{head}\r\n\r\n".encode(), end=True)).decode()
        assert answer.startswith("HTTP/1.1 400 ")
        assert BAD[head] in answer

    play(scene)


def test_a_head_without_end_is_refused(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.begin()
        assert (await world.ask(b"GET http://" + b"x" * 300_000, end=True)).startswith(b"HTTP/1.1 431 ")
        assert (await world.ask(b"GET http://exam", end=True)).startswith(b"HTTP/1.1 400 ")

    play(scene)


def test_who_says_nothing_is_not_waited_for(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(world: World) -> None:
        await world.begin()
        assert await world.ask(b"", end=True) == b""
        monkeypatch.setattr(proxy, "_HEAD_SECONDS", 0.01)
        assert (await world.ask(b"GET")).startswith(b"HTTP/1.1 408 ")

    play(scene)


def test_the_end_of_the_proxy_cuts_open_tunnels(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.begin(https=echo)
        reader, writer = await world.tunnel(f"{HOST}:443")
        await world.proxy.close()
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(OSError, match=r".*"):
            await asyncio.open_connection(*world.address)

    play(scene)


@given(st.binary(max_size=200))
@example(b"CONNECT [::1]:443 HTTP/1.1")
@example(b"GET http://a.b/\r HTTP/1.1\r\nX: \n")
def test_any_bytes_are_understood_or_refused(text: bytes) -> None:
    with suppress(ProxyRefusalError):  # and nothing else is raised
        assert isinstance(parse_request(text + b"\r\n\r\n"), ProxyRequest)


NAMES = st.text("abcXYZ019-", min_size=1, max_size=8).filter(lambda name: name.lower() != "host")


@given(st.lists(st.tuples(NAMES, st.text("az AZ:/=\t", max_size=12)), max_size=5))
def test_the_headers_between_client_and_server_pass_unchanged(headers: list[tuple[str, str]]) -> None:
    lines = [f"{name}: {value}" for name, value in headers]
    hop = ["Connection: x", "Proxy-Authorization: Basic x", "Keep-Alive: 5", "Host: other"]
    request = parse_request(
        "\r\n".join(["PUT http://a.example:81/p HTTP/1.1", *hop, *lines, "", ""]).encode()
    )
    passed = request.head.decode().split("\r\n")
    assert passed == ["PUT /p HTTP/1.1", "Host: a.example:81", *lines, "Connection: close", "", ""]


def test_too_many_connections_are_refused_with_one_line_in_the_log(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(world: World) -> None:
        await world.begin()
        world.proxy._limit = 2  # noqa: SLF001  (of a proxy that is made with the usual one)
        held = [await world.tunnel(f"{HOST}:443") for _ in range(2)]
        for _ in range(3):
            answer = await world.ask(f"CONNECT {HOST}:443 HTTP/1.1\r\n\r\n".encode())
            assert answer.startswith(b"HTTP/1.1 503 evolink-mock: this proxy accepts at most 2 connections")
        for _, writer in held:
            writer.close()

    play(scene)
    records = [record for record in caplog.records if record.name == "evolink_mock.proxy"]
    assert [record.getMessage() for record in records] == [
        "more than 2 connections to the proxy: others are refused"
    ]

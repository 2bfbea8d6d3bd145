"""One callback over a real socket: what is sent, what counts as what, and who is never called."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpcore2
import pytest
import trustme
from evolink_mock.callbacks import sender
from evolink_mock.callbacks.resolver import Resolver
from evolink_mock.callbacks.sender import CallbackSender, internal_address
from evolink_mock.callbacks.url_guard import Allowed
from evolink_mock.http.urls import parse_url
from evolink_spec.models import CallbackRules

if TYPE_CHECKING:
    from evolink_mock.domain.deliveries import Attempt

RULES = CallbackRules("callback_url", 2048, 10.0, (1.0, 2.0, 4.0))
HASTY = CallbackRules("callback_url", 2048, 0.25, ())  # time enough to connect, on a busy machine too
AT_ONCE = CallbackRules("callback_url", 2048, 0.01, ())
LOOPBACK = Allowed("127.0.0.1", None)
NAMED = Allowed("hooks.example", None)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SILENCE = b""
BODY = b'{"id":"task-unified-1757169743-7cvnl5zw","status":"completed"}'

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """A server on loopback, and what it was asked."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a caller that was held hung up

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return head + await reader.readexactly(int(length.partition(b":")[2]))


@asynccontextmanager
async def listening(speak: Speak, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await speak(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def receiver(
    answer: bytes, *, hold: bool = False, context: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Answer each request with these bytes; with `hold`, keep the connection open until the caller leaves."""
    heard = Receiver()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.requests.append(await read_request(reader))
        heard.arrived.set()
        writer.write(answer)
        await writer.drain()
        if hold:
            await reader.read()
            heard.left.set()

    async with listening(speak, context) as heard.port:
        yield heard


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await event.wait()


def resolver(*addresses: str) -> sender.Resolve:
    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return resolve


async def unresolvable(_host: str, _port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def never(_host: str, _port: int) -> list[str]:
    await asyncio.Event().wait()
    return []


def delivered(answer: bytes, path: str = "/hook") -> tuple[Attempt, list[bytes]]:
    async def scene() -> tuple[Attempt, list[bytes]]:
        async with receiver(answer) as heard:
            attempt = await CallbackSender(RULES, [LOOPBACK]).send(parse_url(heard.url(path)), BODY, 1000.0)
            return attempt, heard.requests

    return asyncio.run(scene())


def attempted(url: str, courier: CallbackSender) -> Attempt:
    return asyncio.run(courier.send(parse_url(url), BODY, 1000.0))


def test_the_body_is_posted_as_json_exactly_as_given() -> None:
    attempt, (request,) = delivered(OK)
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert body == BODY
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"user-agent"] == b"evolink-mock"
    assert headers[b"host"].startswith(b"127.0.0.1:")
    assert (attempt.at, attempt.status, attempt.problem) == (1000.0, 200, None)
    assert attempt.seconds > 0


@pytest.mark.parametrize("path", ["/A/../b//c;d?secret=a%2Fb&b=%zz+&&c='\"<>", "/?", "/%00", "/"])
def test_path_and_query_arrive_to_the_byte(path: str) -> None:
    _, (request,) = delivered(OK, path)
    assert request.split(b"\r\n")[0] == b"POST %b HTTP/1.1" % path.encode()


def test_a_fragment_is_not_sent() -> None:
    _, (request,) = delivered(OK, "/hook?a=b#top")
    assert request.startswith(b"POST /hook?a=b HTTP/1.1\r\n")


@pytest.mark.parametrize("status", [200, 204, 299, 302, 400, 500])
def test_the_status_of_the_answer_is_told(status: int) -> None:
    attempt, _ = delivered(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
    assert (attempt.status, attempt.problem) == (status, None)


def test_an_interim_answer_is_not_the_answer() -> None:
    attempt, _ = delivered(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)
    assert attempt.status == 200


def test_a_redirect_is_not_followed() -> None:
    attempt, requests = delivered(b"HTTP/1.1 307 Look\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    assert attempt.status == 307
    assert len(requests) == 1


def test_a_proxy_in_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert delivered(OK)[0].status == 200


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (SILENCE, "Server disconnected without sending a response."),
        (b"SSH-2.0-x\r\n\r\n", "illegal status line"),
    ],
)
def test_an_answer_that_is_not_http_is_a_problem(answer: bytes, problem: str) -> None:
    attempt, _ = delivered(answer)
    assert attempt.status is None
    assert attempt.problem is not None
    assert attempt.problem.startswith(problem)


def test_a_receiver_that_never_answers_is_left_when_the_time_is_up() -> None:
    async def scene() -> Attempt:
        async with receiver(SILENCE, hold=True) as heard:
            attempt = await CallbackSender(HASTY, [LOOPBACK]).send(parse_url(heard.url()), BODY, 1000.0)
            await soon(heard.left)
            return attempt

    attempt = asyncio.run(scene())
    assert (attempt.status, attempt.problem) == (None, "no answer within 0.25 s")


def test_a_status_stands_when_the_rest_of_the_answer_never_comes() -> None:
    async def scene() -> Attempt:
        async with receiver(b"HTTP/1.1 202 OK\r\nContent-Length: 9\r\n\r\nhalf", hold=True) as heard:
            attempt = await CallbackSender(HASTY, [LOOPBACK]).send(parse_url(heard.url()), BODY, 1000.0)
            await soon(heard.left)
            return attempt

    attempt = asyncio.run(scene())
    assert (attempt.status, attempt.problem) == (202, None)


def test_an_endless_answer_is_cut_off() -> None:
    async def scene() -> tuple[Attempt, int]:
        sent = 0

        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while sent < 64:
                writer.write(bytes(2**20))
                await writer.drain()
                sent += 1

        async with listening(speak) as port:
            url = f"http://127.0.0.1:{port}/"
            return await CallbackSender(RULES, [LOOPBACK]).send(parse_url(url), BODY, 1000.0), sent

    attempt, megabytes = asyncio.run(scene())
    assert attempt.status == 200
    assert megabytes < 64


def test_a_refused_connection_is_a_problem() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and no listen()
        attempt = attempted(f"http://127.0.0.1:{silent.getsockname()[1]}/", CallbackSender(RULES, [LOOPBACK]))
    assert (attempt.status, attempt.problem) == (None, "connection refused")


def test_a_name_that_cannot_be_resolved_is_a_problem() -> None:
    attempt = attempted("https://hooks.example/", CallbackSender(RULES, resolve=unresolvable))
    assert (attempt.status, attempt.problem) == (None, "the name cannot be resolved")


def test_a_name_that_has_no_address_is_a_problem() -> None:
    attempt = attempted("https://hooks.example/", CallbackSender(RULES, resolve=resolver()))
    assert (attempt.status, attempt.problem) == (None, "the name has no address")


def test_the_time_covers_the_resolving_too() -> None:
    attempt = attempted("https://hooks.example/", CallbackSender(AT_ONCE, resolve=never))
    assert attempt.problem == "no answer within 0.01 s"


def test_an_internal_url_is_not_even_resolved() -> None:
    attempt = attempted("https://127.0.0.1/?secret", CallbackSender(RULES, resolve=never))
    assert (attempt.status, attempt.problem) == (None, "127.0.0.1 is an internal address")


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"]])
def test_a_name_with_an_internal_address_is_never_connected_to(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connected(*_: object) -> None:
        raise AssertionError("connected")

    monkeypatch.setattr(sender, "_first_that_answers", connected)
    attempt = attempted("https://hooks.example/?secret", CallbackSender(RULES, resolve=resolver(*addresses)))
    assert (
        attempt.problem
        == f"hooks.example resolves to an internal address: {addresses[-1]} is an internal address"
    )


def test_the_address_really_connected_to_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = iter([None, "127.0.0.1 is an internal address"])
    monkeypatch.setattr(sender, "address_refusal", lambda _: next(verdicts))

    async def scene() -> tuple[Attempt, list[bytes]]:
        async with receiver(OK) as heard:
            courier = CallbackSender(RULES, resolve=resolver("127.0.0.1"))
            url = f"https://hooks.example:{heard.port}/"
            return await courier.send(parse_url(url), BODY, 1000.0), heard.requests

    attempt, requests = asyncio.run(scene())
    assert (
        attempt.problem == "hooks.example resolves to an internal address: 127.0.0.1 is an internal address"
    )
    assert requests == []


def test_a_dead_address_leaves_the_next_one_its_turn() -> None:
    async def scene() -> Attempt:
        async with receiver(OK) as heard:
            courier = CallbackSender(RULES, [NAMED], resolve=resolver("::1", "127.0.0.1"))
            return await courier.send(parse_url(f"http://hooks.example:{heard.port}/"), BODY, 1000.0)

    assert asyncio.run(scene()).status == 200


def test_each_address_of_a_name_has_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float | None] = []

    async def unanswered(_addresses: object, _port: int, share: float | None, *_: object) -> None:
        shares.append(share)
        raise httpcore2.ConnectTimeout

    monkeypatch.setattr(sender, "_first_that_answers", unanswered)
    attempted("https://hooks.example/", CallbackSender(RULES, resolve=resolver("8.8.8.8", "8.8.4.4")))
    assert shares == [5.0]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def over_tls(certified: str, authority: trustme.CA, trusts: trustme.CA) -> tuple[Attempt, list[bytes]]:
    """Call https://hooks.example, which has a certificate for `certified`."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(certified).configure_cert(server)
    names: list[bytes] = []
    server.sni_callback = lambda _object, name, _context: names.append(name.encode())
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusts.configure_trust(client)

    async def scene() -> Attempt:
        async with receiver(OK, context=server) as heard:
            courier = CallbackSender(RULES, [NAMED], ssl_context=client, resolve=resolver("127.0.0.1"))
            attempt = await courier.send(parse_url(f"https://Hooks.example.:{heard.port}/"), BODY, 1000.0)
            names.extend(line for request in heard.requests for line in request.split(b"\r\n")[1:2])
            return attempt

    return asyncio.run(scene()), names


def test_a_certificate_is_verified_for_the_name_not_the_address(authority: trustme.CA) -> None:
    attempt, (sni, host) = over_tls("hooks.example", authority, authority)
    assert (attempt.status, attempt.problem) == (200, None)
    assert sni == b"hooks.example"
    assert host.startswith(b"Host: hooks.example:")


def test_a_certificate_for_another_name_is_a_problem(authority: trustme.CA) -> None:
    attempt, _ = over_tls("other.example", authority, authority)
    assert attempt.status is None
    assert attempt.problem is not None
    assert attempt.problem.startswith("TLS: Hostname mismatch")


def test_a_certificate_of_an_unknown_authority_is_a_problem(authority: trustme.CA) -> None:
    attempt, _ = over_tls("hooks.example", authority, trustme.CA())
    assert attempt.status is None
    assert attempt.problem is not None
    assert attempt.problem.startswith("TLS: ")


def test_without_a_context_the_authorities_of_the_system_are_asked(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bundle = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hooks.example").configure_cert(server)

    async def scene() -> Attempt:
        async with receiver(OK, context=server) as heard:
            courier = CallbackSender(RULES, [NAMED], resolve=resolver("127.0.0.1"))
            return await courier.send(parse_url(f"https://hooks.example:{heard.port}/"), BODY, 1000.0)

    assert asyncio.run(scene()).status == 200


def test_a_burst_of_deliveries_reads_the_authorities_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []

    def make() -> ssl.SSLContext:
        made.append(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        return made[-1]

    async def scene() -> None:
        courier = CallbackSender(RULES, resolve=unresolvable)
        await asyncio.gather(
            *(courier.send(parse_url("https://hooks.example/"), BODY, 0.0) for _ in range(5))
        )

    monkeypatch.setattr(ssl, "create_default_context", make)
    asyncio.run(scene())
    assert len(made) == 1


def test_a_handshake_that_never_ends_is_left_when_the_time_is_up() -> None:
    async def scene() -> Attempt:
        left = asyncio.Event()

        async def speak(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.read()
            left.set()

        async with listening(speak) as port:
            client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            courier = CallbackSender(HASTY, [NAMED], ssl_context=client, resolve=resolver("127.0.0.1"))
            attempt = await courier.send(parse_url(f"https://hooks.example:{port}/"), BODY, 1000.0)
            await soon(left)
            return attempt

    assert asyncio.run(scene()).problem == "no answer within 0.25 s"


def test_a_cancelled_delivery_hangs_up_and_says_so() -> None:
    async def scene() -> None:
        async with receiver(SILENCE, hold=True) as heard:
            task = asyncio.create_task(
                CallbackSender(RULES, [LOOPBACK]).send(parse_url(heard.url()), BODY, 1000.0)
            )
            await soon(heard.arrived)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await soon(heard.left)

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("addresses", "reason"),
    [
        (
            ["8.8.8.8", "10.0.0.1"],
            "hooks.example resolves to an internal address: 10.0.0.1 is an internal address",
        ),
        (["fd00::1"], "hooks.example resolves to an internal address: fd00::1 is an internal address"),
        (["8.8.8.8", "2606:4700::1111"], None),
    ],
)
def test_a_name_resolves_inside_when_any_address_is_internal(
    addresses: list[str], reason: str | None
) -> None:
    assert asyncio.run(internal_address("hooks.example", 5, resolver(*addresses))) == reason


def test_a_name_that_cannot_be_resolved_in_time_is_not_said_to_be_inside() -> None:
    assert asyncio.run(internal_address("hooks.example", 5, unresolvable)) is None
    assert asyncio.run(internal_address("hooks.example", 0.01, never)) is None


def test_the_resolver_of_the_system_is_asked() -> None:
    reason = asyncio.run(internal_address("localhost", 5, Resolver()))
    assert reason is not None
    assert reason.startswith("localhost resolves to an internal address: ")


def test_the_slow_imports_wait_for_the_first_delivery() -> None:
    code = (
        "import sys, evolink_mock.callbacks.sender, evolink_mock.callbacks.scheduler;"
        "print({'httpcore2', 'anyio'} & {*sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"

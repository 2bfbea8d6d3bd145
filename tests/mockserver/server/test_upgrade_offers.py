"""An offer to upgrade the connection is not accepted: the request is answered as if it had not been made."""

from __future__ import annotations

import json

import pytest
from support.mocks.in_process import BODY, CREATE
from support.mocks.sockets import LOOPS, Loop, over_a_socket, send

DOCUMENT = json.dumps(BODY).encode()
OFFERS = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n",
    "tls": b"Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n",
    "websocket": b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
}
LAST = b"GET /v1/credits HTTP/1.1\r\nhost: mock\r\nauthorization: Bearer key\r\nconnection: close\r\n\r\n"
MIXED = pytest.mark.parametrize("offer", OFFERS)


def create(offer: str) -> bytes:
    head = (
        b"POST %b HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer key\r\nContent-Type: application/json\r\n%b"
    )
    return head % (CREATE.encode(), OFFERS[offer]) + b"Content-Length: %d\r\n\r\n" % len(DOCUMENT) + DOCUMENT


@LOOPS
@MIXED
def test_the_body_is_read_and_the_next_request_is_answered(offer: str, loop: Loop) -> None:
    async def scene(port: int) -> None:
        answers = await send(port, create(offer) + create(offer) + LAST)
        assert answers.count(b"HTTP/1.1 200 OK") == 3
        assert answers.count(b'"status":"pending"') == 2

    over_a_socket(scene, loop)


@MIXED
def test_it_may_arrive_byte_by_byte(offer: str) -> None:
    async def scene(port: int) -> None:
        data = create(offer) + LAST
        answers = await send(port, *(data[index : index + 1] for index in range(len(data))))
        assert answers.count(b"HTTP/1.1 200 OK") == 2

    over_a_socket(scene)


def test_a_chunked_body_is_read() -> None:
    async def scene(port: int) -> None:
        head = create("h2c").partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(DOCUMENT), DOCUMENT)
        assert (await send(port, head + body + LAST)).count(b"HTTP/1.1 200 OK") == 2

    over_a_socket(scene)


def test_many_offers_in_one_packet_are_all_ignored() -> None:
    async def scene(port: int) -> None:
        offer = b"GET /%b HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
        answers = await send(port, (offer % b"") * 1500 + LAST)
        assert answers.count(b"HTTP/1.1 404 ") == 1500
        assert answers.count(b"HTTP/1.1 200 ") == 1

    over_a_socket(scene)


def test_a_tunnel_is_refused_in_the_documented_shape() -> None:
    async def scene(port: int) -> None:
        answer = await send(port, b"CONNECT api.evolink.ai:443 HTTP/1.1\r\nhost: api.evolink.ai:443\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 405 ")
        assert b'"code":"method_not_allowed"' in answer

    over_a_socket(scene)

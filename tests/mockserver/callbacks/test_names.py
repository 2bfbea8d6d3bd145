"""Names that lead inside: looked at when a task is created, and again when its callback is sent."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.callbacks import resolver
from support.mocks.in_process import BODY, shaped

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.mocks.in_process import Mock

PUBLIC = "203.0.114.7"
NAME = "hooks.example.com"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names resolve to, as the test says and may say anew; any other resolves to nothing."""
    known: dict[str, list[str]] = {}

    def resolve(host: str, port: int, *_: object, **__: object) -> list[Any]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(resolver, "_getaddrinfo", resolve)
    return known


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], [PUBLIC, "192.168.0.1"], ["::1"]]
)
def test_a_name_that_resolves_inside_is_refused_at_the_create(
    mock: Mock, names: dict[str, list[str]], addresses: list[str]
) -> None:
    names[NAME] = addresses
    answer = mock.post(BODY | {"callback_url": f"https://{NAME}/hook"})
    assert answer.status_code == 400
    assert shaped(answer)["param"] == "callback_url"
    assert f"{NAME} resolves to an internal address" in shaped(answer)["message"]


@pytest.mark.parametrize("addresses", [[PUBLIC], []])
def test_a_name_that_resolves_outside_or_not_yet_is_accepted(
    mock: Mock, names: dict[str, list[str]], addresses: list[str]
) -> None:
    if addresses:
        names[NAME] = addresses
    assert mock.post(BODY | {"callback_url": f"https://{NAME}/hook"}).status_code == 200


def test_a_name_that_has_moved_inside_by_the_end_is_not_connected_to(
    mock: Mock, names: dict[str, list[str]]
) -> None:
    async def scene() -> None:
        connected = asyncio.Event()
        async with await asyncio.start_server(lambda *_: connected.set(), "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            names[NAME] = [PUBLIC]
            body = BODY | {"callback_url": f"https://{NAME}:{port}/hook"}
            assert (await mock.asks("POST", "/v1/videos/generations", json=body)).status_code == 200
            names[NAME] = ["127.0.0.1"]
            mock.clock.advance(5)
            (line,) = await mock.callbacks.until(1)
            assert f"{NAME} resolves to an internal address: 127.0.0.1" in line
            assert line.endswith(", again in 1 s")
            assert not connected.is_set()

    mock.run(scene())


def test_a_name_that_was_allowed_may_lead_inside(
    start: Callable[..., Mock], names: dict[str, list[str]]
) -> None:
    names[NAME] = ["127.0.0.1"]
    mock = start(allow_callbacks_to=(f"{NAME}:9000",))
    assert mock.post(BODY | {"callback_url": f"http://{NAME}:9000/"}).status_code == 200
    assert mock.post(BODY | {"callback_url": f"https://{NAME}:9001/"}).status_code == 400

"""httpx2 and httpx without a socket: sync and async, in any loop, under any host name."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest
from evolink_mock import MockServer
from evolink_mock.testing.transport import Transport
from support.records.builders import BODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_mock import MockAccount

API = "https://api.evolink.ai"
CREATE = "/v1/videos/generations"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.fixture
def account(server: MockServer) -> MockAccount:
    return server.account()


@pytest.fixture(params=[httpx2, httpx], ids=["httpx2", "httpx"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


def bearer(account: MockAccount) -> dict[str, str]:
    return {"authorization": f"Bearer {account.token}"}


def test_a_client_of_the_true_address_is_answered_here(account: MockAccount, library: Any) -> None:
    with library.Client(transport=account.transport(), base_url=API, headers=bearer(account)) as client:
        task = client.post(CREATE, json=BODY).json()
        account.clock.advance("5s")
        (link,) = client.get(f"/v1/tasks/{task['id']}").json()["results"]
        assert link.startswith(API)
        account.clock.advance("24h")
        dead = client.get(link)
    assert [found.id for found in account.tasks] == [task["id"]]
    assert dead.status_code == 410


def test_clients_in_many_loops_share_one_mock(account: MockAccount, library: Any) -> None:
    async def some() -> list[int]:
        async with library.AsyncClient(transport=account.transport(), headers=bearer(account)) as client:
            answers = await asyncio.gather(*(client.post(API + CREATE, json=BODY) for _ in range(5)))
        return [answer.status_code for answer in answers]

    assert [asyncio.run(some()) for _ in range(2)] == [[200] * 5] * 2
    assert len(account.tasks) == 10


def test_the_app_runs_in_its_own_loop_whatever_loop_the_client_is_in(library: Any) -> None:
    seen: list[asyncio.AbstractEventLoop] = []

    async def app(_: Any, __: Any, send: Any) -> None:
        seen.append(asyncio.get_running_loop())
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def go() -> None:
        async with library.AsyncClient(transport=transport) as client:
            await client.get(API)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    transport = Transport(app, loop)
    with library.Client(transport=transport) as client:
        client.get(API)
    asyncio.run(go())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    assert seen == [loop, loop]


def test_a_streamed_request_arrives_whole(account: MockAccount, library: Any) -> None:
    with library.Client(transport=account.transport(), headers=bearer(account)) as client:
        parts = iter([b'{"model":', b'"x"}'])
        answer = client.post(API + CREATE, content=parts, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "model" in answer.json()["error"]["message"]
    assert account.requests[0].request.body == '{"model":"x"}'


@pytest.mark.parametrize("recipe", ["drop", "cut"])
def test_a_connection_that_a_recipe_closes_is_closed_for_the_client(
    account: MockAccount, library: Any, recipe: str
) -> None:
    account.recipe(recipe, times=1)
    with library.Client(transport=account.transport(), headers=bearer(account)) as client:
        with pytest.raises(library.RemoteProtocolError, match="a recipe"):
            client.post(API + CREATE, json=BODY)
        assert client.post(API + CREATE, json=BODY).status_code == 200
    account.check()


@pytest.mark.parametrize("recipe", ["latency=5s", "hang"])
def test_a_client_that_waits_too_long_gets_the_time_out_of_its_library(
    account: MockAccount, library: Any, recipe: str
) -> None:
    account.recipe(recipe, times=1)
    with (
        library.Client(transport=account.transport(), headers=bearer(account), timeout=0.05) as client,
        pytest.raises(library.ReadTimeout, match="the mock did not respond in time"),
    ):
        client.get(API + "/v1/credits")


def test_a_request_of_a_derived_class_is_answered(account: MockAccount, library: Any) -> None:
    class Request(library.Request):  # type: ignore[misc]  # of either library
        pass

    with library.Client(transport=account.transport(), headers=bearer(account)) as client:
        assert client.send(Request("GET", API + "/v1/credits", headers=client.headers)).status_code == 200


def test_a_client_that_ends_leaves_the_transport_to_others(account: MockAccount, library: Any) -> None:
    transport = account.transport()
    for _ in range(2):
        with library.Client(transport=transport, headers=bearer(account)) as client:
            assert client.get(API + "/v1/credits").status_code == 200


def test_the_transport_imports_the_library_of_the_request_alone() -> None:
    code = (
        "import sys, LIBRARY; from evolink_mock import MockServer\n"
        "with MockServer() as server, LIBRARY.Client(transport=server.account().transport()) as client:\n"
        f"    print(client.get('{API}/v1/credits').status_code, *{{'httpx', 'httpx2'}} & {{*sys.modules}})"
    )
    for name in ("httpx2", "httpx"):
        done = subprocess.run(
            [sys.executable, "-c", code.replace("LIBRARY", name)], capture_output=True, text=True, check=True
        )
        assert done.stdout == f"401 {name}\n"

"""What holds for every answer on every path, and what real clients lean on."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.stores.memory import MemoryStore
from support.mocks.in_process import BODY, CREATE, MODEL, SPEC, shaped

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.mocks.in_process import Mock

METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "BREW"]
PATHS = {
    CREATE: {"POST"},
    "/v1/tasks/task-unified-1757169743-00000000": {"GET", "HEAD"},
    "/v1/credits": {"GET", "HEAD"},
    "/media/task-unified-1757169743-00000000.mp4": {"GET", "HEAD"},
}
ELSEWHERE = [
    *("/", "/v1", "/v1/", "/v1/tasks", "/v1/tasks/", "/v1/tasks/a/b", "/v1/tasks/a%2Fb", "/media", "/media/"),
    *(
        f"{CREATE}/",
        CREATE.upper(),
        f"/{CREATE}",
        f"/x{CREATE}",
        "/v1/credits/",
        "/favicon.ico",
        "/openapi.json",
    ),
    *(
        "/%00",
        "/%0d%0aX: 1",
        "/é",
        "/" + 5000 * "x",
        "/v1/videos",
        "/v1/videos/generations%00",
        "/%22id%22:%22x%22",
    ),
]


def keys_of(value: Any) -> set[str]:
    """Every member name at any depth."""
    if isinstance(value, dict):
        return value.keys() | {key for inner in value.values() for key in keys_of(inner)}
    return {key for inner in value for key in keys_of(inner)} if isinstance(value, list) else set()


@pytest.mark.parametrize("path", ELSEWHERE, ids=lambda path: path[:30])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_any_other_path_is_404_in_the_documented_shape(mock: Mock, method: str, path: str) -> None:
    answer = mock.ask(method, path, token=None)
    assert answer.status_code == 404
    assert shaped(answer)["code"] == "not_found"
    assert len(answer.content) < 1000


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_any_other_method_is_405_with_allow_in_the_documented_shape(
    mock: Mock, method: str, path: str
) -> None:
    answer = mock.ask(method, path)
    if method in PATHS[path]:
        assert answer.status_code != 405
    else:
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == PATHS[path]
        if method != "HEAD":
            assert shaped(answer)["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/v1/tasks/{id}", "/v1/tasks/task-1", "/v1/credits", "/nowhere"])
def test_head_is_answered_as_get_without_the_body(mock: Mock, path: str) -> None:
    url = path.format(id=mock.create()["id"])
    head, get = mock.ask("HEAD", url), mock.get(url)
    assert head.content == b""
    assert (head.status_code, head.headers) == (get.status_code, get.headers)
    assert int(head.headers["content-length"]) == len(get.content)


@pytest.mark.parametrize("path", ["/v1/credits", "/v1/tasks/task-1", "/nowhere", CREATE])
def test_the_app_itself_sends_no_body_to_a_head(mock: Mock, path: str) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    mock.run(mock.app({"type": "http", "method": "HEAD", "path": path, "headers": []}, None, send))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[1]["body"] == b""
    assert int(dict(sent[0]["headers"])[b"content-length"]) > 0


def every_answer(mock: Mock) -> list[Any]:
    """An answer of each kind, some of them to requests that try to put an id into it."""
    task = mock.create(prompt='"id":"https:\\/\\/x"')
    failed = mock.post(BODY, headers={"prefer": "mock=fail=unknown_error"}).json()
    answers = [mock.post(BODY | {"mode": {"id": "task-unified-1"}}), mock.post(b'{"id":"x"'), mock.post([])]
    answers += [mock.post(BODY, headers={"prefer": f"mock={status}"}) for status in (401, 402, 403, 429, 500)]
    answers += [mock.get(url) for url in (f"/v1/tasks/{task['id']}", "/v1/tasks/id", "/v1/credits", "/id")]
    answers += [mock.get('/"id":"x"'), mock.ask("PUT", CREATE)]
    mock.clock.advance(10)
    answers += [mock.get(f"/v1/tasks/{each['id']}") for each in (task, failed)]
    return [*answers, mock.get(f"/media/{task['id']}.png"), mock.get("/v1/credits", token=None)]


def test_every_answer_is_compact_json_with_slashes_as_they_are(mock: Mock) -> None:
    for answer in every_answer(mock):
        assert answer.headers["content-type"] == "application/json"
        assert answer.text == json.dumps(answer.json(), ensure_ascii=False, separators=(",", ":"))
        assert "\\/" not in answer.text


def test_a_shell_client_finds_the_id_in_a_task_and_none_in_an_error(mock: Mock) -> None:
    answers = every_answer(mock)
    for answer in answers:
        if answer.status_code == 200 and "usage" in answer.text:
            assert f'"id":"{answer.json()["id"]}"' in answer.text
        else:
            assert "id" not in keys_of(answer.json())
            assert '"id":' not in answer.text
    assert {answer.status_code for answer in answers} >= {200, 400, 401, 402, 403, 404, 405, 429, 500}


def test_a_bug_is_answered_with_the_documented_500_and_logged(
    mock: Mock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    task = mock.create()

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(MemoryStore, "find", broken)
    with caplog.at_level(logging.ERROR, "evolink_mock"):
        answer = mock.get(f"/v1/tasks/{task['id']}")
    assert answer.status_code == 500
    assert shaped(answer)["code"] == "internal_error"
    assert "ZeroDivisionError" in caplog.text
    assert "key" not in caplog.text.replace("KeyError", "")
    assert mock.noted[-1].status == 500


def test_a_client_that_goes_away_in_the_middle_of_its_request_gets_no_task(mock: Mock) -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]
    headers = [(b"authorization", b"Bearer key"), (b"content-type", b"application/json")]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    before = mock.left()
    mock.run(mock.app({"type": "http", "method": "POST", "path": CREATE, "headers": headers}, receive, None))
    assert (mock.noted[-1].status, mock.noted[-1].notes) == (0, ("the client disconnected",))
    assert mock.left() == before


def script(mock: Mock) -> list[bytes]:
    """What a client sees that creates with two tokens, polls, and fails once."""
    seen = []
    for token in ("one", "two", "one"):
        answer = mock.post(
            BODY, token=token, headers={"prefer": "mock=fail=service_error" if token == "two" else ""}
        )
        seen.append(answer.content)
        for _ in range(4):
            mock.clock.advance(1.3)
            seen.append(mock.get(f"/v1/tasks/{answer.json()['id']}", token=token).content)
    return [*seen, mock.get("/v1/credits", token="two").content]


def test_with_a_seed_the_same_script_gives_the_same_bytes(start: Callable[..., Mock]) -> None:
    assert script(start(seed=7)) == script(start(seed=7))


def test_another_seed_gives_other_ids_and_so_does_none(start: Callable[..., Mock]) -> None:
    ids = {start(seed=seed).create()["id"] for seed in (7, 8, None, None)}
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("mock.test", "http://mock.test"),
        ("localhost:8080", "http://localhost:8080"),
        ("[::1]:9000", "http://[::1]:9000"),
        ("api.evolink.ai", "http://api.evolink.ai"),
        ("a b", "http://mock.test"),
        ("x/../evil", "http://mock.test"),
        ("user@evil", "http://mock.test"),
        ("", "http://mock.test"),
    ],
)
def test_result_links_begin_as_the_client_called_the_server(mock: Mock, host: str, origin: str) -> None:
    task = mock.post(BODY, headers={"host": host}).json()
    mock.clock.advance(5)
    assert mock.query(task)["results"] == [f"{origin}/media/{task['id']}.mp4"]


@pytest.mark.parametrize(
    "url", ["https://api.evolink.ai", "https://example.com/evolink", "https://example.com/"]
)
def test_a_public_url_stands_before_every_result_link(start: Callable[..., Mock], url: str) -> None:
    mock = start(public_url=url)
    task = mock.post(BODY, headers={"host": "127.0.0.1:8080"}).json()
    mock.clock.advance(5)
    assert mock.query(task)["results"] == [f"{url.rstrip('/')}/media/{task['id']}.mp4"]


def test_the_log_shows_no_token_no_query_and_no_body(mock: Mock) -> None:
    task = mock.create("hush-token", prompt="hush-prompt", callback_url="https://example.com/?hush-secret")
    mock.get(f"/v1/tasks/{task['id']}?hush=1", token="hush-token")
    mock.get("/v1/tasks/x", token="hush-token")
    assert [(exchange.method, exchange.status) for exchange in mock.noted] == [
        ("POST", 200),
        ("GET", 200),
        ("GET", 400),
    ]
    assert [exchange.task_id for exchange in mock.noted] == [task["id"], task["id"], ""]
    assert len({exchange.account for exchange in mock.noted}) == 1
    assert "hush" not in mock.logged()


def test_the_documents_are_served_whatever_model_they_name(mock: Mock) -> None:
    assert [(method, path) for method, path in SPEC.creates] == [("POST", CREATE)]
    assert mock.create()["model"] == MODEL

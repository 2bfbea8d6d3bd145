"""Which clause a refused request violated, and what was probably meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.console.explanations import clause_of, nearest_of
from evolink_spec.clauses import load_clauses
from support.mocks.in_process import BODY, CREATE, Mock, playing

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHOUT_PROMPT = {name: value for name, value in BODY.items() if name != "prompt"}
UNKNOWN_TASK = "/v1/tasks/task-unified-1795357446-9vkpv6h4"
REFUSED: dict[str, tuple[str, str, Any, dict[str, str], str, str]] = {
    "path": ("GET", "/v1/video/generations", None, {}, "", "/v1/videos/generations"),
    "method": ("DELETE", CREATE, None, {}, "", ""),
    "model": (
        *("POST", CREATE, BODY | {"model": "grok-imagine-image-to-vidoe-beta"}, {}),
        *("client.valid-request", "grok-imagine-image-to-video-beta"),
    ),
    "several": (
        *("POST", CREATE, {"model": "grok-imagine-image-to-vidoe-beta"}, {}),
        *("client.valid-request", "grok-imagine-image-to-video-beta"),
    ),
    "field": ("POST", CREATE, WITHOUT_PROMPT | {"promt": "x"}, {}, "client.valid-request", "promt"),
    "warning": ("POST", CREATE, BODY | {"promt": "x"}, {}, "client.no-unknown-fields", "prompt"),
    "callback": ("POST", CREATE, BODY | {"callback_url": "http://x.test/"}, {}, "client.callback-url", ""),
    "recipe": ("POST", CREATE, BODY, {"prefer": 'mock="fial"'}, "", "fail=CODE, cancel"),
    "chosen": ("POST", CREATE, BODY, {"prefer": 'mock="400"'}, "", ""),
    "query": ("GET", UNKNOWN_TASK, None, {}, "client.given-ids", ""),
    "fine": ("POST", CREATE, BODY, {}, "", ""),
}


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with playing() as mock:
        yield mock


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_request_has_the_clause_and_the_nearest_name(mock: Mock, name: str) -> None:
    method, path, body, headers, clause, nearest = REFUSED[name]
    if body is None:
        mock.ask(method, path, headers=headers)
    else:
        mock.post(body, headers=headers)
    assert (clause_of(mock.noted[-1]), nearest_of(mock.noted[-1])) == (clause, nearest)


def test_a_refused_upload_has_no_clause_on_create_requests(mock: Mock) -> None:
    headers = {"authorization": "Bearer any-token"}
    answer = mock.run(mock.client.post("/api/v1/files/upload/base64", json={}, headers=headers))
    assert (answer.status_code, clause_of(mock.noted[-1])) == (400, "")


def test_a_request_without_a_key_violates_the_clause_on_keys(mock: Mock) -> None:
    mock.get("/v1/credits", token=None)
    assert clause_of(mock.noted[-1]) == "auth.header"


def test_every_clause_exists() -> None:
    assert {row[4] for row in REFUSED.values()} - {""} <= {clause.id for clause in load_clauses()}


def test_a_reset_forgets_what_the_console_shows(mock: Mock) -> None:
    mock.create()
    feed = mock.service.exchange_feed
    assert feed.get(feed.last) is not None
    mock.ask("POST", "/__mock__/reset")
    assert feed.get(feed.last) is None
    assert feed.clearings == 1

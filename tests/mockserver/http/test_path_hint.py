"""A 404 says what was probably meant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from evolink_mock.http.path_hint import path_hint
from hypothesis import given
from hypothesis import strategies as st
from support.mocks.in_process import BODY, shaped

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.mocks.in_process import Mock

ROUTES = (
    "/v1/tasks/{task_id}",
    "/v1/videos/generations",
    "/v1/credits",
    "/media/{name}",
    "/__mock__/health",
    "/__mock__/tasks/{task_id}",
)
TASK = "task-unified-1757169743-7cvnl5zw"


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/credits", "did you mean /v1/credits? The base URL must end in /v1."),
        (f"/tasks/{TASK}", f"did you mean /v1/tasks/{TASK}? The base URL must end in /v1."),
        ("/videos/generations/", "did you mean /v1/videos/generations? The base URL must end in /v1."),
        ("/v1/v1/credits", "did you mean /v1/credits? The base URL and the path both contain /v1."),
        ("/v1/credits/", "did you mean /v1/credits? A path has no slash at its end and no empty segment."),
        ("//v1//credits", "did you mean /v1/credits? A path has no slash at its end and no empty segment."),
        ("/api/v1/credits", "did you mean /v1/credits? The base URL must not contain /api."),
        ("/health", "did you mean /__mock__/health?"),
        ("/v1/video/generations", "did you mean /v1/videos/generations?"),
        (f"/v1/task/{TASK}", f"did you mean /v1/tasks/{TASK}?"),
        ("/v1/tasks", "did you mean /v1/tasks/{task_id}?"),
        ("/v1/credit", "did you mean /v1/credits?"),
        ("/__mock__/helth", "did you mean /__mock__/health?"),
        ("/favicon.ico", ""),
        ("/foo", ""),
        ("/completely/another/path", ""),
    ],
)
def test_a_hint_names_the_path_that_was_probably_meant(path: str, hint: str) -> None:
    assert path_hint(path, ROUTES) == hint


def test_a_hint_does_not_take_the_name_of_a_route_for_a_parameter() -> None:
    routes = ("/v1/credits", "/api/v1/files/{file_id}", "/api/v1/files/upload/url")
    assert path_hint("/v1/files/upload", routes) == "did you mean /api/v1/files/upload/url?"
    assert path_hint("/v1/files/a1", routes).startswith(
        "did you mean /api/v1/files/a1? The base URL must end"
    )


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/docs", "/docs/", "/redoc", "/openapi.json"])
def test_documentation_that_is_not_there_is_answered_with_the_paths(path: str) -> None:
    assert path_hint(path, ROUTES) == (
        "the API has /media/{name}, /v1/credits, /v1/tasks/{task_id}, /v1/videos/generations; "
        "/__mock__/openapi.yaml describes the control API"
    )
    assert "control API" not in path_hint(path, ROUTES[:4])


@given(st.text(max_size=40) | st.text(st.sampled_from("/v1{}a"), max_size=300))
def test_any_path_has_a_short_hint_or_none(path: str) -> None:
    assert len(path_hint(path, ROUTES)) < 400


def test_a_long_path_is_cut() -> None:
    assert len(path_hint("/v1/" + "x" * 100_000, ROUTES)) < 400


def test_the_hint_stands_in_the_404_and_in_the_log(mock: Mock) -> None:
    answer = mock.post_to("/videos/generations", BODY)
    assert answer.status_code == 404
    hint = (
        "there is no /videos/generations; did you mean /v1/videos/generations? The base URL must end in /v1."
    )
    assert shaped(answer)["message"].endswith(hint)
    assert hint in mock.logged()


def test_no_path_of_the_control_api_is_named_where_it_is_off(start: Callable[..., Mock]) -> None:
    for path in ("/health", "/docs"):
        assert "__mock__" not in start(control="off").get(path).text


@pytest.mark.parametrize(
    ("control", "hint"),
    [("off", "is off (--control)"), ("127.0.0.1:1", "has an address of its own (--control)")],
)
def test_where_the_control_api_is_not_served_its_paths_say_so(
    start: Callable[..., Mock], control: str, hint: str
) -> None:
    message = shaped(start(control=control).get("/__mock__/account"))["message"]
    assert message.endswith(f"there is no /__mock__/account; the control API {hint}")


@pytest.mark.parametrize("path", ["/videos/generations", "/v1/credits", "/__mock__/nothing"])
def test_the_body_of_a_request_to_another_path_or_method_is_kept(mock: Mock, path: str) -> None:
    assert mock.post_to(path, BODY).status_code in {404, 405}
    assert mock.noted[-1].request_body == json.dumps(BODY).encode()


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "PUT"])
def test_the_body_of_any_method_is_kept(mock: Mock, method: str) -> None:
    path = "/v1/credits" if method != "GET" else "/v1/videos/generations"
    assert mock.ask(method, path, content=b"kept", headers={"content-length": "4"}).status_code == 405
    assert mock.noted[-1].request_body == b"kept"

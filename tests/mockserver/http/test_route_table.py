"""A short cut leads where the router would have led, or nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from evolink_mock.http.route_table import RouteTable
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Match, Route


class Endpoint:
    """An ASGI application with a name."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, *_: Any) -> None:
        raise AssertionError(self.name)


ROUTES = [
    Route("/v1/tasks/{task_id}", Endpoint("query"), methods=["GET"]),
    Route("/v1/tasks/batch", Endpoint("batch"), methods=["POST"]),
    Route("/v1/videos/generations", Endpoint("create"), methods=["POST"]),
    Route("/v1/credits", Endpoint("credits"), methods=["GET"]),
    Route("/media/{name}", Endpoint("media"), methods=["GET"]),
    Route("/v1/{kind}/of/{name}", Endpoint("two"), methods=["GET"]),
    Route("/files/{path:path}", Endpoint("files"), methods=["GET"]),
    Route("/v1/tasks/{task_id}", Endpoint("cancel"), methods=["DELETE"]),
    Route("/v1/credits", Endpoint("other methods")),
    Route("/v1/tasks/{task_id}", Endpoint("other methods of a task")),
]
TABLE = RouteTable(ROUTES)
METHODS = st.sampled_from(("GET", "POST", "HEAD", "DELETE", "OPTIONS", "get", "", "X"))
SEGMENTS = st.sampled_from(
    (
        "v1",
        "tasks",
        "batch",
        "videos",
        "generations",
        "credits",
        "media",
        "files",
        "of",
        "x",
        "",
        "{task_id}",
        "\n",
        "é",
    )
) | st.text(max_size=3)
PATHS = st.lists(SEGMENTS, max_size=5).map(lambda segments: "/" + "/".join(segments))


def scope(method: str, path: str) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "root_path": ""}


def routed(method: str, path: str) -> tuple[Any, dict[str, str]]:
    """Where the router leads, and with which parameters."""
    for route in ROUTES:
        match, child = route.matches(scope(method, path))
        if match is Match.FULL:
            return route.app, child["path_params"]
    return None, {}


def find(method: str, path: str) -> tuple[Any, dict[str, str]]:
    request_scope = scope(method, path)
    app = TABLE.find(method, path, request_scope)
    return app, request_scope.get("path_params", {})


@given(METHODS, PATHS)
def test_whatever_is_found_is_what_the_router_finds(method: str, path: str) -> None:
    app, parameters = find(method, path)
    if app is None:
        assert parameters == {}
    else:
        assert (app, parameters) == routed(method, path)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/v1/tasks/task-1", "query"),
        ("HEAD", "/v1/tasks/task-1", "query"),
        ("DELETE", "/v1/tasks/task-1", "cancel"),
        ("POST", "/v1/tasks/batch", "batch"),
        ("POST", "/v1/videos/generations", "create"),
        ("GET", "/v1/credits", "credits"),
        ("GET", "/media/task-1.mp4", "media"),
    ],
)
def test_the_documented_paths_have_their_short_cut(method: str, path: str, name: str) -> None:
    app, _ = find(method, path)
    assert app.name == name


def test_the_last_segment_is_the_parameter() -> None:
    assert find("GET", "/v1/tasks/task-1 é")[1] == {"task_id": "task-1 é"}
    assert find("GET", "/media/a.b.mp4")[1] == {"name": "a.b.mp4"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/tasks/task-1"),
        ("GET", "/v1/tasks/"),
        ("GET", "/v1/tasks"),
        ("GET", "/v1/tasks/a/b"),
        ("GET", "/v1/tasks/batch"),
        ("PUT", "/v1/credits"),
        ("GET", "/v1/credits/"),
        ("GET", "/v1/a/of/b"),
        ("GET", "/files/x"),
        ("GET", "/"),
        ("GET", ""),
        ("GET", "nothing"),
    ],
)
def test_everything_else_is_left_to_the_router(method: str, path: str) -> None:
    assert find(method, path) == (None, {})

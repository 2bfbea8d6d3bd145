"""What the recipes that rewrite a response make of a create."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.http.connection import ConnectionDroppedError

if TYPE_CHECKING:
    from collections.abc import Callable

BODIES = {"empty": "", "list": "[]", "string": '"ok"', "number": "1", "null": "null"}


def check_gateway(world: Any, source: str, text: str) -> None:
    """The page of a gateway; with `=done`, the task exists."""
    status, _, done = text.partition("=")
    answer = world.create(source, text)
    assert (answer.status_code, answer.headers["content-type"]) == (int(status), "text/html")
    assert f"<title>{status} " in answer.text
    assert len(answer.content) == int(answer.headers["content-length"])
    assert world.account().task_count == bool(done)


def check_hang(world: Any, source: str, text: str) -> None:
    with pytest.raises(ConnectionDroppedError) as lost:
        world.create(source, text)
    assert lost.value.held
    assert world.account().task_count == 1


def check_trickle(world: Any, source: str, text: str) -> None:
    assert world.create(source, text).json()["status"] == "pending"


def check_redirect(world: Any, source: str, text: str) -> None:
    answer = world.create(source, text)
    place = answer.request.url
    assert (answer.status_code, answer.content) == (307, b"")
    assert (answer.headers["location"].startswith(f"{place.scheme}://{place.host}")) is (
        text != "redirect=other"
    )
    assert answer.headers["location"].endswith("/v1/videos/generations?redirected=1")
    assert world.account().task_count == 0


def check_body(world: Any, source: str, text: str) -> None:
    answer, kind = world.create(source, text), text.removeprefix("body=")
    assert answer.status_code == (204 if kind == "none" else 200)
    if kind == "page":
        assert answer.headers["content-type"] == "text/html"
    elif kind != "none":
        assert answer.text == BODIES[kind]
    assert world.account().task_count == 1


def check_omit(world: Any, source: str, text: str) -> None:
    body = world.create(source, text).json()
    if text == "omit=progress":
        assert "progress" not in body
        assert "usage" in body
    else:
        assert "usage" not in body
        assert body["task_info"].keys() == {"estimated_time"}


def check_add(world: Any, source: str, text: str) -> None:
    body = world.create(source, text).json()
    place = body if text == "add=hint" else body["task_info"]
    assert place["hint"] == "undocumented"


def check_null(world: Any, source: str, text: str) -> None:
    assert "error" not in world.create(source, text).json(), "a field that is not there stays away"
    assert world.create("header", "null=model").json()["model"] is None


def check_empty(world: Any, source: str, text: str) -> None:
    assert "results" not in world.create(source, text).json()
    assert world.create("header", "empty=model/usage").json()["model"] == ""
    assert world.create("header", "empty=model/usage").json()["usage"] == {}


def check_skew(world: Any, source: str, text: str) -> None:
    usual = world.create().json()["created"]
    answer = world.create(source, text)
    ahead = 3600 if "ahead" in text else -3600
    assert answer.json()["created"] == usual + ahead
    assert answer.headers["date"].endswith(" GMT")


def check_retry(world: Any, source: str, text: str) -> None:
    assert "retry-after" not in world.create(source, text).headers
    answer = world.create("header", f"429=3s+{text}")
    assert answer.status_code == 429
    value, form = answer.headers.get("retry-after"), text.removeprefix("retry=")
    assert value == {"fraction": "2.5", "zero": "0", "none": None}.get(form, value)
    assert form != "date" or value.endswith(" GMT")


REWRITING: dict[str, Callable[[Any, str, str], None]] = {
    "502": check_gateway,
    "hang": check_hang,
    "trickle": check_trickle,
    "redirect": check_redirect,
    "body": check_body,
    "omit": check_omit,
    "add": check_add,
    "null": check_null,
    "empty": check_empty,
    "skew": check_skew,
    "retry": check_retry,
}

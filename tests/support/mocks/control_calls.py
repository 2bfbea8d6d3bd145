"""The control API under test: every answer is held against its own document before the test sees it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import yaml
from evolink_mock.control.server_info import document

from support.mocks.in_process import BODY, CREATE

if TYPE_CHECKING:
    import httpx2

    from support.mocks.in_process import Mock

DOCUMENT: dict[str, Any] = yaml.safe_load(document())
PREFIX = "/__mock__"


@cache
def documented(path: str, method: str, status: str) -> jsonschema_rs.Validator | None:
    """What the document says of an answer; None for one without a JSON body."""
    answer = DOCUMENT["paths"][path][method]["responses"][status]
    if "$ref" in answer:
        answer = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return None
    return jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})


def path_of(path: str) -> str:
    """The path as the document writes it."""
    first, *rest = path.partition("?")[0].strip("/").split("/")
    if first in {"tasks", "callbacks"} and rest:
        rest[0] = "{task_id}"
    return "/" + "/".join([first, *rest])


async def asks(
    mock: Mock, method: str, path: str, body: Any = None, token: str | None = "key", **headers: str
) -> httpx2.Response:
    """One call of the control API."""
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await mock.client.request(method, PREFIX + path, json=body, headers=names)
    validator = documented(path_of(path), method.lower(), str(answer.status_code))
    if validator is not None:
        validator.validate(answer.json())
    return answer


async def does(mock: Mock, method: str, path: str, body: Any = None, token: str = "key") -> Any:
    """The JSON of a call that succeeds; None without a body."""
    answer = await asks(mock, method, path, body, token)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


def do(mock: Mock, method: str, path: str, body: Any = None, token: str = "key") -> Any:
    return mock.run(does(mock, method, path, body, token))


def ask(
    mock: Mock, method: str, path: str, body: Any = None, token: str | None = "key", **headers: str
) -> httpx2.Response:
    return mock.run(asks(mock, method, path, body, token, **headers))


async def creates(mock: Mock, url: str | None = None, token: str = "key", **fields: Any) -> dict[str, Any]:
    """A task, its callback to `url`."""
    called = {} if url is None else {"callback_url": url}
    answer = await mock.asks("POST", CREATE, token, json=BODY | called | fields)
    assert answer.status_code == 200, answer.text
    task: dict[str, Any] = answer.json()
    return task

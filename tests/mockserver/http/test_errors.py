"""Every documented answer is seen from the running app, counted against the documents; and in which order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.domain.units import Rate
from support.mocks.in_process import BODY, CREATE, MODEL, SPEC, shaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx2
    from support.mocks.in_process import Mock

QUERY = SPEC.query.path
UNKNOWN = "/v1/tasks/task-unified-1757169743-00000000"
METHODS = {"delete", "get", "head", "options", "patch", "post", "put", "trace"}


def documented() -> Iterator[tuple[str, str, int]]:
    """Every (method, path, status) that the documents themselves list."""
    for document in SPEC.documents.values():
        for path, item in document["paths"].items():
            for method in METHODS & item.keys():
                for status in item[method]["responses"]:
                    yield method.upper(), path, int(status)


def create(mock: Mock, **more: Any) -> httpx2.Response:
    return mock.post(BODY, **more)


def own_task(mock: Mock, **more: Any) -> httpx2.Response:
    return mock.get(f"/v1/tasks/{mock.create()['id']}", **more)


def second(ask: Callable[..., httpx2.Response], mock: Mock) -> httpx2.Response:
    """The answer to the second of two requests."""
    ask(mock)
    return ask(mock)


# How a client comes to see each of them.
SCENES: dict[tuple[str, str, int], Callable[[Callable[..., Mock]], tuple[Mock, httpx2.Response]]] = {
    ("POST", CREATE, 200): lambda start: (mock := start(), create(mock)),
    ("POST", CREATE, 400): lambda start: (mock := start(), mock.post(BODY | {"duration": 7})),
    ("POST", CREATE, 401): lambda start: (mock := start(), create(mock, token=None)),
    ("POST", CREATE, 402): lambda start: (mock := start(credits=9), second(create, mock)),
    ("POST", CREATE, 403): lambda start: (mock := start(denied_models=frozenset({MODEL})), create(mock)),
    ("POST", CREATE, 429): lambda start: (mock := start(rate=Rate(1, 60.0)), second(create, mock)),
    ("POST", CREATE, 500): lambda start: (mock := start(), create(mock, headers={"prefer": "mock=500"})),
    ("GET", QUERY, 200): lambda start: (mock := start(), own_task(mock)),
    ("GET", QUERY, 400): lambda start: (mock := start(), mock.get("/v1/tasks/task-123")),
    ("GET", QUERY, 401): lambda start: (mock := start(), own_task(mock, token=None)),
    ("GET", QUERY, 402): lambda start: (mock := start(), own_task(mock, headers={"prefer": "code=402"})),
    ("GET", QUERY, 403): lambda start: (mock := start(), own_task(mock, token="other")),
    ("GET", QUERY, 404): lambda start: (mock := start(), mock.get(UNKNOWN)),
    ("GET", QUERY, 429): lambda start: (mock := start(rate=Rate(1, 60.0)), own_task(mock)),
    ("GET", QUERY, 500): lambda start: (mock := start(), own_task(mock, headers={"prefer": "mock=500"})),
}


def example_of(method: str, path: str, status: int) -> dict[str, Any]:
    if method == "POST":
        return dict(SPEC.creates[method, path][MODEL].errors[status].body["error"])
    return dict(SPEC.query.errors[status].body["error"])


def test_the_scenes_are_all_that_the_documents_list() -> None:
    assert set(SCENES) == set(documented())
    assert len(SCENES) == 15


@pytest.mark.parametrize("key", SCENES, ids=lambda key: " ".join(map(str, key)))
def test_every_documented_status_is_seen_with_its_documented_body(
    start: Callable[..., Mock], key: tuple[str, str, int]
) -> None:
    method, path, status = key
    mock, answer = SCENES[key](start)
    assert (answer.request.method, answer.status_code) == (method, status)
    assert mock.recorded[-1].status == status, "the second voice found the answer documented"
    if status != 200:
        error, expected = shaped(answer), example_of(method, path, status)
        assert error.pop("message").startswith(expected.pop("message"))
        assert error | {"param": ""} == expected | {"param": ""}


@pytest.mark.parametrize(
    "key", [key for key in SCENES if key[2] != 200], ids=lambda key: f"{key[0]} {key[2]}"
)
def test_every_documented_error_comes_when_it_is_asked_for(mock: Mock, key: tuple[str, str, int]) -> None:
    method, path, status = key
    url = path.replace("{task_id}", mock.create()["id"])
    left = mock.left()
    headers = {"prefer": f"mock={status}", "content-type": "application/json"}
    answer = mock.ask(method, url, content=json.dumps(BODY), headers=headers)
    assert answer.status_code == status
    assert shaped(answer) == example_of(method, path, status)
    assert mock.left() == left, "a refused create reserves nothing"


def test_a_status_that_an_operation_does_not_document_is_never_its_answer(mock: Mock) -> None:
    assert create(mock, headers={"prefer": "mock=404"}).status_code == 200


@pytest.mark.parametrize("recipe", ["402", "fail=service_error"])
def test_a_recipe_may_stand_in_the_prompt_or_in_the_token(mock: Mock, recipe: str) -> None:
    answers = [
        mock.post(BODY | {"prompt": f"dance [[{recipe}]]"}),
        mock.post(BODY, token=f"key~{recipe}"),
        mock.post(BODY, headers={"prefer": f'mock="{recipe}"'}),
    ]
    assert [answer.status_code for answer in answers] == ([402] * 3 if recipe == "402" else [200] * 3)


def test_an_unknown_recipe_is_told_with_the_nearest_ones(mock: Mock) -> None:
    answer = create(mock, headers={"prefer": "mock=fail=generation_timeot"})
    assert answer.status_code == 400
    assert "fail=generation_timeout" in shaped(answer)["message"]


# One request with every fault at once; each is taken away in the order in which it must be told.
FAULTS: dict[str, int] = {
    "token": 401,
    "rate": 429,
    "json": 400,
    "schema": 400,
    "callback": 400,
    "model": 403,
    "credits": 402,
}


def broken(start: Callable[..., Mock], faults: list[str]) -> httpx2.Response:
    mock = start(
        rate=Rate(1, 60.0) if "rate" in faults else None,
        denied_models=frozenset({MODEL} if "model" in faults else ()),
        credits=4 if "credits" in faults else 5,
    )
    for token in ("key", None) if "rate" in faults else ():
        mock.get(UNKNOWN, token=token)
    body = BODY | ({"duration": 7} if "schema" in faults else {})
    raw = json.dumps(body | ({"callback_url": "https://10.0.0.1/"} if "callback" in faults else {})).encode()
    return mock.post(raw[:-1] if "json" in faults else raw, token=None if "token" in faults else "key")


def test_of_several_errors_the_first_in_order_is_told(start: Callable[..., Mock]) -> None:
    order = list(FAULTS)
    seen = [broken(start, order[place:]) for place in range(len(order))]
    assert [answer.status_code for answer in seen] == list(FAULTS.values())
    for word, answer in zip(("JSON", "duration", "10.0.0.1"), seen[2:5], strict=True):
        assert word in shaped(answer)["message"]
    assert broken(start, []).status_code == 200


def test_a_query_tells_the_token_before_the_haste_before_the_id(start: Callable[..., Mock]) -> None:
    mock = start(rate=Rate(1, 60.0))
    assert [
        mock.get("/v1/tasks/nonsense", token=token).status_code for token in (None, "key", "key", None)
    ] == [401, 400, 429, 401]


@pytest.mark.parametrize("seconds", [1.0, 60.0, 3600.0])
def test_who_waits_as_long_as_retry_after_says_is_let_in(start: Callable[..., Mock], seconds: float) -> None:
    mock = start(rate=Rate(2, seconds))
    mock.clock.advance(0.4)
    task = mock.create()
    mock.query(task)
    refused = mock.post(BODY)
    assert refused.status_code == 429
    mock.clock.advance(int(refused.headers["retry-after"]))
    assert mock.post(BODY).status_code == 200


def test_a_refused_request_is_no_reason_to_wait_longer_and_tokens_wait_apart(
    start: Callable[..., Mock],
) -> None:
    mock = start(rate=Rate(1, 60.0))
    mock.create()
    waits = {mock.post(BODY).headers["retry-after"] for _ in range(5)}
    assert len(waits) == 1
    assert mock.post(BODY, token="other").status_code == 200


def failures() -> list[str]:
    """The codes that the documents name for a failed task."""
    return [
        failure["code"]
        for document in SPEC.documents.values()
        for schema in document["components"]["schemas"].values()
        for failure in schema.get("properties", {}).get("error", {}).get("x-evolink-failures", ())
    ]


def test_the_documents_name_thirteen_failures() -> None:
    assert len(set(failures())) == len(failures()) == 13 == len(SPEC.failures)


@pytest.mark.parametrize("code", failures())
def test_every_documented_failure_comes_when_it_is_asked_for(mock: Mock, code: str) -> None:
    created = mock.post(BODY, headers={"prefer": f"mock=fail={code}@40"})
    assert created.json()["status"] == "pending"
    seen = []
    for _ in range(50):
        mock.clock.advance(0.1)
        seen.append(mock.query(created.json()))
    running = [task["progress"] for task in seen if task["status"] == "processing"]
    assert running == sorted(running)
    assert max(running) <= 40
    assert all("error" not in task for task in seen if task["status"] != "failed")
    last = seen[-1]
    assert (last["status"], last["progress"], last.get("results")) == ("failed", 0, None)
    assert (last["error"]["code"], last["error"]["type"]) == (code, "task_error")
    kind, advice = last["error"]["message"].split("\n")
    assert kind
    assert advice

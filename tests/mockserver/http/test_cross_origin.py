"""Web pages: whose may call the API, and that none may call the control API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.domain.units import Rate
from evolink_mock.http.cross_origin import parse_origin
from evolink_mock.setting_values import parse_cors
from support.mocks.in_process import BODY, CREATE

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2
    from support.mocks.in_process import Mock

LOOPBACK = [
    "http://localhost:3000",
    "http://127.0.0.1:5173",
    "http://127.8.9.10",
    "http://[::1]:8080",
    "https://app.localhost",
    "HTTP://LOCALHOST",
]
OTHERS = [
    "https://app.example",
    "http://localhost.example",
    "http://127.0.0.1.example",
    "http://evil-localhost",
    "http://localhost@app.example",
    "null",
    "",
]
ALLOW = "access-control-allow-origin"


def preflight(mock: Mock, origin: str, path: str = CREATE, **headers: str) -> httpx2.Response:
    headers_sent = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-anything",
    }
    return mock.ask("OPTIONS", path, token=None, headers=headers_sent | headers)


def allowed(answer: httpx2.Response, origin: str) -> bool:
    assert answer.headers.get(ALLOW) in {None, "*", origin}
    return ALLOW in answer.headers


@pytest.mark.parametrize("origin", LOOPBACK)
@pytest.mark.parametrize(
    "path", [CREATE, "/v1/credits", "/v1/tasks/task-unified-1-a", "/media/x.mp4", "/nowhere"]
)
def test_a_page_of_this_machine_may_ask_for_anything(mock: Mock, origin: str, path: str) -> None:
    answer = preflight(mock, origin, path)
    assert answer.status_code == 200
    assert allowed(answer, origin)
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type,x-anything"
    assert mock.noted[-1].status == 200


@pytest.mark.parametrize("origin", LOOPBACK[:2])
def test_it_may_read_results_and_refusals(start: Callable[..., Mock], origin: str) -> None:
    mock = start(rate=Rate(2, 60.0))
    headers = {"origin": origin}
    answers = [mock.post(BODY, headers=headers), mock.get("/v1/tasks/x", headers=headers)]
    answers += [mock.post(BODY, headers=headers), mock.get("/nowhere", headers=headers)]
    answers.append(mock.get("/media/x.mp4", headers=headers))
    assert [answer.status_code for answer in answers] == [200, 400, 429, 404, 404]
    assert all(allowed(answer, origin) for answer in answers)
    assert "Retry-After" in answers[2].headers["access-control-expose-headers"]
    assert answers[2].headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", OTHERS)
def test_another_page_is_not_told_and_the_log_says_why(mock: Mock, origin: str) -> None:
    answer = preflight(mock, origin)
    assert (answer.status_code, allowed(answer, origin)) == (405, False)
    assert f"--cors does not allow pages from {origin}" in mock.noted[-1].notes
    assert not allowed(mock.post(BODY, headers={"origin": origin}), origin)


def test_an_origin_can_be_added_to_those_of_this_machine(start: Callable[..., Mock]) -> None:
    mock = start(cors=("https://App.example/",))
    for origin in ("https://app.example", LOOPBACK[0]):
        assert allowed(preflight(mock, origin), origin)
    assert not allowed(preflight(mock, "https://app.example.org"), "https://app.example.org")


@pytest.mark.parametrize("origin", [*LOOPBACK, *OTHERS[:-1]])
def test_every_page_may_call_it_or_none(start: Callable[..., Mock], origin: str) -> None:
    everyone, nobody = start(cors=("*",)), start(cors=("off",))
    assert (allowed(preflight(everyone, origin), origin), allowed(preflight(nobody, origin), origin)) == (
        True,
        False,
    )


@pytest.mark.parametrize("cors", [(), ("*",), (LOOPBACK[0],)])
def test_the_control_api_is_closed_to_every_page(start: Callable[..., Mock], cors: Any) -> None:
    mock = start(cors=cors)
    for path in ("/__mock__/reset", "/__mock__/accounts", "/__mock__/health"):
        assert not allowed(preflight(mock, LOOPBACK[0], path), LOOPBACK[0])
    page = {"origin": LOOPBACK[0], "content-type": "application/json"}
    answer = mock.ask("POST", "/__mock__/reset", headers=page)
    assert (answer.status_code, allowed(answer, LOOPBACK[0])) == (403, False)


def test_a_request_of_no_page_is_answered_as_ever(mock: Mock) -> None:
    assert not any(name.startswith("access-control") for name in mock.get("/v1/credits").headers)
    assert mock.ask("OPTIONS", CREATE).status_code == 405


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("https://App.Example/", "https://app.example"),
        ("https://app.example:443", "https://app.example"),
        ("http://app.example:80/", "http://app.example"),
        ("http://app.example:443", "http://app.example:443"),
        ("*", "*"),
        ("OFF", "off"),
        ("null", "null"),
    ],
)
def test_an_origin_is_read_as_a_person_writes_it(text: str, meant: str) -> None:
    assert parse_origin(text) == meant


@pytest.mark.parametrize(
    "text", ["app.example", "https://app.example/path", "ftp://a.example", "", "https://*.a"]
)
def test_what_is_not_an_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid origin"):
        parse_cors(text)

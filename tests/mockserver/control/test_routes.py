"""The control API: its table, its document, its door, and accounts that never meet."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import schemathesis
from evolink_mock.console.routes import EVENTS, RESEND
from evolink_mock.control.routes import ROWS, create_control_app
from evolink_mock.domain.clock import VirtualClock
from evolink_mock.server.app import create_app
from evolink_mock.service.service import Service
from evolink_mock.setting_values import parse_control
from evolink_mock.settings import Settings
from hypothesis import settings
from schemathesis.config import SchemathesisConfig
from support.mocks.control_calls import DOCUMENT, PREFIX, ask, asks, creates, do, does
from support.mocks.in_process import BODY, CREATE, SPEC, START, Mock, playing
from support.paths import CONTROL_API_PAGE

if TYPE_CHECKING:
    from collections.abc import Callable

METHODS = ("get", "post", "patch", "delete")
OPERATIONS = {
    (method.upper(), path): item[method]
    for path, item in DOCUMENT["paths"].items()
    for method in METHODS
    if method in item
}


def test_the_table_and_the_document_name_the_same_routes() -> None:
    assert {(row.method, row.path) for row in ROWS} | {EVENTS, RESEND} == OPERATIONS.keys()
    assert len(ROWS) + 2 == len(OPERATIONS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.path}")
def test_the_document_says_what_the_table_takes_and_who_may_ask(row: Any) -> None:
    operation = OPERATIONS[row.method, row.path]
    assert row.owned == (operation.get("security") != [])
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    named = {name for one in schema.get("oneOf", [schema]) for name in one.get("properties", {})}
    assert named == set(row.body.__struct_fields__)


def test_the_document_is_served_as_yaml_and_as_json(mock: Mock) -> None:
    import yaml

    text = ask(mock, "GET", "/openapi.yaml", token=None)
    assert text.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(text.content) == ask(mock, "GET", "/openapi.json", token=None).json() == DOCUMENT


def served() -> Any:
    config = SchemathesisConfig.from_dict(
        {
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["200", "201", "204", "400", "404", "409"]}
            }
        }
    )
    schema = schemathesis.openapi.from_dict(DOCUMENT, config=config)
    schema.app = create_app(Service(SPEC, Settings(tokens=frozenset({"key"})), VirtualClock(START)))
    # A stream does not end. To send a request again takes the operator's key.
    return schema.exclude(path=[EVENTS[1], RESEND[1]])


def _is_long(timeout: Any) -> bool:
    return isinstance(timeout, str) or (
        isinstance(timeout, int | float) and not isinstance(timeout, bool) and 0 < timeout <= 600
    )


@served().parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=8, deadline=None)
def test_schemathesis_finds_nothing(case: schemathesis.Case[Any]) -> None:
    # There is no lifespan, so nothing is ready; the other 5xx would be bugs.
    excluded: list[Any] = [schemathesis.checks.not_a_server_error] if case.path == "/ready" else []
    if isinstance(case.body, dict) and _is_long(case.body.get("timeout", 10)):
        case.body["timeout"] = 0
    case.call_and_validate(
        base_url="http://127.0.0.1/__mock__",
        headers={"Authorization": "Bearer key", "Host": "127.0.0.1"},
        excluded_checks=excluded,
    )


def test_what_concerns_an_account_needs_its_token(start: Callable[..., Mock]) -> None:
    mock = start(tokens=frozenset({"key"}))
    owned = [row for row in ROWS if row.owned]
    assert len(owned) > 20
    for row in owned:
        for token in (None, "other"):
            answer = ask(mock, row.method, row.path, token=token)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized"), row


def test_other_paths_and_methods_are_told_in_the_documented_shape(mock: Mock) -> None:
    missing, wrong = (mock.run(mock.client.put(PREFIX + path)) for path in ("/reset/", "/reset"))
    assert (missing.status_code, wrong.status_code, wrong.headers["allow"]) == (404, 405, "POST")
    assert {"code", "message", "type"} == missing.json()["error"].keys() == wrong.json()["error"].keys()


@pytest.mark.parametrize(
    ("body", "detail", "param"),
    [
        ({"secnds": 1}, "secnds: unknown field (did you mean seconds?)", "secnds"),
        ({"seconds": 1, "x": 2}, "x: unknown field; there are seconds", "x"),
        ({"seconds": "soon"}, "seconds: invalid duration 'soon': write 5s, 500ms, 2m or 1h", "seconds"),
        ({"seconds": None}, "seconds: Expected `float | str`, got `null`", "seconds"),
        ([1], "the body must be a JSON object", None),
    ],
)
def test_a_body_that_cannot_be_meant_is_refused_with_what_is_nearest(
    mock: Mock, body: Any, detail: str, param: str | None
) -> None:
    answer = ask(mock, "POST", "/clock/advance", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == f"Invalid request parameters: {detail}"
    assert answer.json()["error"].get("param") == param


def test_what_takes_no_body_takes_no_field(mock: Mock) -> None:
    answer = ask(mock, "POST", "/clock/freeze", {"at": 5})
    assert answer.status_code == 400
    assert "this route takes no field" in answer.text
    assert ask(mock, "POST", "/clock/freeze", {}).status_code == 200


def test_a_body_has_to_say_that_it_is_json(mock: Mock) -> None:
    headers = {"authorization": "Bearer key", "content-type": "text/plain"}
    request = mock.client.post(f"{PREFIX}/clock/advance", content=b'{"seconds":1}', headers=headers)
    assert mock.run(request).status_code == 400
    assert do(mock, "GET", "/clock")["now"] == START


def test_a_body_has_an_end(mock: Mock) -> None:
    answer = ask(mock, "POST", "/clock/advance", {"seconds": 1, "x": "y" * 70_000})
    assert answer.status_code == 400
    assert "65536" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:3000"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
    ],
)
def test_a_page_of_another_origin_changes_nothing(mock: Mock, headers: dict[str, str]) -> None:
    mock.create()
    for method, path in (("DELETE", "/account"), ("POST", "/reset"), ("GET", "/accounts")):
        answer = ask(mock, method, path, **headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert do(mock, "GET", "/account")["tasks"] == 1


def test_it_can_be_switched_off(start: Callable[..., Mock]) -> None:
    mock = start(control="off")
    assert mock.run(mock.client.get(f"{PREFIX}/accounts")).status_code == 404
    assert mock.run(mock.client.get(PREFIX)).status_code == 404
    assert mock.create()


def test_it_can_be_bound_elsewhere_and_drives_the_same_accounts() -> None:
    service = Service(SPEC, Settings(control="control.test:9"), VirtualClock(START))
    apps = (create_app(service), create_control_app(service, "control.test:9"))

    async def scene() -> None:
        api, control = (
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=url)
            for app, url in zip(apps, ("http://api.test", "http://control.test:9"), strict=True)
        )
        async with api, control:
            headers = {"authorization": "Bearer key"}
            assert (await api.get(f"{PREFIX}/accounts")).status_code == 404
            assert (await api.post(CREATE, json=BODY, headers=headers)).status_code == 200
            assert (await control.get(f"{PREFIX}/account", headers=headers)).json()["tasks"] == 1
            assert (await control.get("/v1/credits", headers=headers)).status_code == 404
            strange = await control.get(f"{PREFIX}/account", headers=headers | {"host": "evil.test"})
            assert strange.status_code == 403

    asyncio.run(scene())


@pytest.mark.parametrize("text", ["on", "off", "127.0.0.1:9000", "LocalHost:0", "[::1]:80"])
def test_a_place_for_the_control_api_is_understood(text: str) -> None:
    assert parse_control(f" {text} ") == text.lower()


@pytest.mark.parametrize("text", ["", "yes", "9000", ":9000", "localhost", "h:99999", "http://h:1", "a b:1"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid place for the control API"):
        parse_control(text)


def test_it_is_ready_once_callbacks_are_delivered(mock: Mock) -> None:
    assert ask(mock, "GET", "/ready", token=None).json() == {"status": "ok"}
    mock.run(mock.stop())
    assert ask(mock, "GET", "/ready", token=None).status_code == 503
    assert ask(mock, "GET", "/health", token=None).status_code == 200


def test_the_contract_can_be_read(mock: Mock) -> None:
    from evolink_spec.clauses import load_clauses

    documents = do(mock, "GET", "/spec")["documents"]
    assert documents == json.loads(json.dumps(dict(SPEC.documents)))
    assert [one["id"] for one in do(mock, "GET", "/clauses")["clauses"]] == [one.id for one in load_clauses()]


def test_the_certificate_is_served_where_there_is_one() -> None:
    service = Service(SPEC, Settings(), VirtualClock(START))

    async def scene() -> None:
        transport = httpx2.ASGITransport(create_app(service))
        async with httpx2.AsyncClient(transport=transport, base_url="http://mock.test") as client:
            assert (await client.get(f"{PREFIX}/ca.pem")).status_code == 404
            service.ca_pem = b"-----BEGIN CERTIFICATE-----"
            answer = await client.get(f"{PREFIX}/ca.pem")
            assert (answer.content, answer.headers["content-type"]) == (
                service.ca_pem,
                "application/x-pem-file",
            )

    asyncio.run(scene())


def test_a_head_request_gets_headers_alone(mock: Mock) -> None:
    for path in ("/health", "/openapi.yaml"):
        answer = mock.run(mock.client.head(PREFIX + path))
        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize("path", ["/health", "/ready"])
@pytest.mark.parametrize("control", ["on", "off"])
def test_health_is_open_to_every_host_and_origin_even_with_the_control_api_off(
    start: Callable[..., Mock], control: str, path: str
) -> None:
    mock = start(control=control)
    headers = {"host": "evolink-mock:8080", "origin": "http://evil.example", "sec-fetch-site": "cross-site"}
    answer = mock.run(mock.client.get(PREFIX + path, headers=headers))
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_service_name_is_allowed_by_option_or_by_a_key_that_only_the_caller_knows(
    start: Callable[..., Mock],
) -> None:
    other = {"host": "evolink-mock:8080"}
    refused = ask(start(), "GET", "/account", **other)
    assert refused.status_code == 403
    assert "--allow-host evolink-mock" in refused.text
    assert ask(start(allow_hosts=frozenset({"evolink-*"})), "GET", "/account", **other).status_code == 200
    keyed = start(tokens=frozenset({"key"}))
    assert ask(keyed, "GET", "/account", **other).status_code == 200
    assert ask(keyed, "GET", "/account", **other, origin="http://evolink-mock:8080").status_code == 403
    assert ask(keyed, "GET", "/account", token="guess", **other).status_code == 403


@pytest.mark.parametrize("path", [PREFIX, f"{PREFIX}/"])
def test_the_root_lists_every_route_as_json(mock: Mock, path: str) -> None:
    routes = mock.run(mock.client.get(path, headers={"host": "127.0.0.1"})).json()["routes"]
    listed = {(route["method"], route["path"]) for route in routes}
    assert listed == {(row.method, f"{PREFIX}{row.path}".rstrip("/")) for row in ROWS}


@pytest.mark.parametrize(
    ("path", "param", "says"),
    [
        ("/tasks?limi=5", "limi", "unknown query parameter (did you mean limit?)"),
        ("/journal?states=400", "states", "did you mean status?"),
        ("/account?a=b", "a", "this route takes no query parameter"),
        ("/tasks?limit=0", "limit", "limit: "),
        ("/journal?limit=many", "limit", "limit: "),
        ("/journal?status=null", "status", "status: "),
        ("/journal?status=400&status=401", "status", "status: given more than once"),
        ("/tasks?after=nobody", "after", "'nobody' is not in the list"),
    ],
)
def test_a_query_parameter_that_cannot_be_meant_is_refused_with_the_nearest(
    mock: Mock, path: str, param: str, says: str
) -> None:
    answer = ask(mock, "GET", path)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "name", "key"), [("/tasks", "tasks", "id"), ("/callbacks", "callbacks", "task_id")]
)
def test_a_long_list_is_returned_in_pages(start: Callable[..., Mock], path: str, name: str, key: str) -> None:
    mock = start(allow_callbacks_to=("127.0.0.1",))
    ids = [mock.create(callback_url="http://127.0.0.1:9/")["id"] for _ in range(5)]
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = do(mock, "GET", f"{path}?limit=2" + (f"&after={after}" if after else ""))
        assert len(page[name]) <= 2
        seen += [item[key] for item in page[name]]
        after = page["next"]
    assert seen == ids


def test_the_document_of_the_api_is_parsed_once(mock: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ask(mock, "GET", "/openapi.json").content
    monkeypatch.setattr("yaml.safe_load", lambda _: pytest.fail("parsed again"))
    assert ask(mock, "GET", "/openapi.json").content == first


def test_time_is_moved_by_seconds_or_by_a_duration(mock: Mock) -> None:
    for seconds in (3600, "1h", "60m"):
        do(mock, "POST", "/clock/advance", {"seconds": seconds})
    assert do(mock, "GET", "/clock")["now"] == START + 3 * 3600


async def _call(app: Any, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
    """One request without a client's own work: the status and the JSON."""
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")]
    sent: list[dict[str, Any]] = []
    content = b"" if body is None else json.dumps(body).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        await asyncio.sleep(0)  # others get their turn in the midst of it

    scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b""}
    await app(scope | {"root_path": "", "scheme": "http"}, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def _life(app: Any, number: int) -> None:
    """One account with its own recipe, credits and clock; all it sees is its own."""
    token = f"account-{number}"

    async def control(method: str, path: str, body: Any = None) -> Any:
        status, found = await _call(app, method, PREFIX + path, token, body)
        assert status in {200, 201}, found
        return found

    granted = 10 + 5 * (number % 3)
    await control("POST", "/accounts", {"credits": granted})
    await control("POST", "/clock/advance", {"seconds": number})
    recipe = ("402", "fail=generation_timeout", "429")[number % 3]
    await control("POST", "/recipes", {"recipe": recipe, "times": 1, "operation": "create"})
    answers = [await _call(app, "POST", CREATE, token, BODY) for _ in range(2)]
    assert [status for status, _ in answers] == [[402, 200], [200, 200], [429, 200]][number % 3]
    ids = [body["id"] for status, body in answers if status == 200]
    passed = await control("POST", "/clock/advance", {"seconds": 5})
    ended = [event for event in passed["happened"] if event["what"] in {"task.completed", "task.failed"}]
    assert [event["task_id"] for event in ended] == ids
    failed = sum(event["what"] == "task.failed" for event in ended)
    assert failed == (number % 3 == 1)
    seen = await control("GET", "/account")
    assert (seen["now"], seen["remaining"]) == (START + number + 5, granted - 5 * (len(ids) - failed))
    assert [task["id"] for task in (await control("GET", "/tasks"))["tasks"]] == ids
    assert (await control("GET", "/recipes"))["recipes"] == []
    entries = (await control("GET", "/journal"))["entries"]
    assert [entry["task_id"] for entry in entries if entry["task_id"]] == ids
    assert len(entries) == 2


def test_five_hundred_accounts_at_once_never_see_each_other() -> None:
    with playing() as mock:

        async def scene() -> None:
            await asyncio.gather(*(_life(mock.app, number) for number in range(500)))
            labels = [one["label"] for one in (await does(mock, "GET", "/accounts?limit=1000"))["accounts"]]
            assert len(labels) == 500
            assert (await does(mock, "POST", "/reset")) == {"accounts": 500}
            assert (await does(mock, "GET", "/accounts")) == {"accounts": [], "next": None}

        mock.run(scene())


def test_the_list_of_accounts_gives_no_token_away(mock: Mock) -> None:
    mock.run(creates(mock, token="a-very-secret-token"))
    answer = mock.run(asks(mock, "GET", "/accounts", token=None))
    assert len(answer.json()["accounts"]) == 1
    assert "secret" not in answer.text


def test_every_route_is_documented() -> None:
    page = CONTROL_API_PAGE.read_text(encoding="utf-8")
    missing = [row for row in ROWS if f"`{row.method} {row.path}`" not in page]
    assert not missing

"""What is kept of exchanges: whole enough to be read again, and no secret in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.control.journal_json import SentCallback, entry, har, har_entries
from evolink_mock.domain.deliveries import Attempt
from evolink_mock.domain.exchange import JOURNAL, JOURNAL_BYTES, KEPT, Exchange, Journal
from evolink_mock.domain.redaction import KEY_REMOVED, REMOVED, Redactor
from support.mocks.control_calls import ask, asks, creates, do, does
from support.mocks.in_process import BODY, START, Mock, Receiver, playing
from support.records.callbacks import a_delivery

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "s3cr3t-of-the-receiver"
TOKEN = "a-token-of-some-length"


def an_exchange(**changes: Any) -> Exchange:
    values: dict[str, Any] = {
        "method": "POST",
        "path": "/v1/videos/generations",
        "began": 17.0,
        "status": 200,
        "at": START,
        "seconds": 0.25,
        "request_headers": [(b"host", b"mock.test"), (b"authorization", b"Bearer " + TOKEN.encode())],
        "request_body": b"{}",
        "answer_headers": [(b"content-type", b"application/json")],
        "answer_body": b'{"id":"x"}',
    }
    return Exchange(**values | changes)


def test_an_entry_says_what_was_asked_and_answered() -> None:
    body = json.dumps({"callback_url": f"https://h/?{SECRET}", "key": TOKEN}).encode()
    found = entry(an_exchange(request_body=body, task_id="task-1"), Redactor([TOKEN]))
    assert TOKEN not in str(found)
    assert SECRET not in str(found)
    assert found["request"]["body"] == f'{{"callback_url":"https://h/?{REMOVED}","key":"{KEY_REMOVED}"}}'
    assert found["answer"] == {"headers": [("content-type", "application/json")], "body": '{"id":"x"}'}
    assert (found["at"], found["status"], found["task_id"]) == (START, 200, "task-1")


@pytest.mark.parametrize(
    ("status", "notes", "violations"),
    [
        (400, ("duration: 7 is not one of 6, 10",), ["duration: 7 is not one of 6, 10"]),
        (200, ("warning: unknown field sound",), ["warning: unknown field sound"]),
        (200, ("the client disconnected",), []),
        (402, ("anything",), []),
    ],
)
def test_what_broke_the_contract_stands_apart(
    status: int, notes: tuple[str, ...], violations: list[str]
) -> None:
    found = entry(an_exchange(status=status, notes=notes), Redactor([]))
    assert found["violations"] == violations
    assert found["violations"] + found["notes"] == list(notes)


def test_an_archive_has_what_har_1_2_asks_for_and_callbacks_among_the_exchanges() -> None:
    attempts = (Attempt(START + 5, 0.1, None, "no answer"), Attempt(START + 6, 0.2, 204, None))
    owed = a_delivery("task-1", f"https://h/hook?{SECRET}", *attempts)
    calls = [SentCallback(owed, one, b'{"id":"task-1"}') for one in attempts]
    exchanges = [an_exchange(), an_exchange(method="GET", at=START + 5.5, request_body=b"", query=b"a=b")]
    log = har([*har_entries(exchanges, calls, Redactor([TOKEN]))], "1")["log"]
    assert (log["version"], log["creator"]) == ("1.2", {"name": "evolink-mock", "version": "1"})
    assert [one["_callback"] for one in log["entries"]] == [False, True, False, True]
    assert log["entries"][0]["startedDateTime"] == "2025-09-06T14:42:23.000+00:00"
    assert [one["response"]["status"] for one in log["entries"]] == [200, 0, 200, 204]
    assert [one["time"] for one in log["entries"]] == [250, 100, 250, 200]
    assert log["entries"][1]["request"]["url"] == f"https://h/hook?{REMOVED}"
    assert log["entries"][2]["request"]["url"] == f"http://mock.test/v1/videos/generations?{REMOVED}"
    assert not any(secret in json.dumps(log) for secret in (SECRET, TOKEN))
    for one in log["entries"]:
        assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= one.keys()
        assert one["request"].keys() >= REQUEST
        assert one["response"].keys() >= RESPONSE
        assert one["response"]["content"].keys() >= {"size", "mimeType"}
        assert ("postData" in one["request"]) == (one["request"]["method"] == "POST")


@pytest.mark.parametrize("query", [f"a=b&key={TOKEN}", "key=" + TOKEN.replace("-", "%2D")])
def test_a_key_in_a_query_string_is_removed_and_told(query: str) -> None:
    (found,) = har_entries([an_exchange(query=query.encode(), scheme="https")], [], Redactor([TOKEN]))
    assert found["request"]["url"] == f"https://mock.test/v1/videos/generations?{KEY_REMOVED}"
    assert "of-some-length" not in json.dumps(found)


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("DELETE", "/v1/credits", 405, "/v1/credits accepts GET"),
        ("POST", "/v1/video/generations", 404, "there is no /v1/video/generations"),
    ],
)
def test_a_request_that_no_operation_answers_is_a_violation_by_its_account(
    mock: Mock, method: str, path: str, status: int, text: str
) -> None:
    mock.ask(method, path)
    (violation,) = do(mock, "GET", "/violations")["violations"]
    assert (violation["method"], violation["path"], violation["status"]) == (method, path, status)
    assert violation["text"].startswith(text)
    assert do(mock, "GET", "/unmatched.har")["log"]["entries"] == []


def test_what_belongs_to_no_account_is_kept_without_its_secrets(mock: Mock) -> None:
    async def scene() -> list[Any]:
        await mock.client.get("/v1/credits", headers={"authorization": f"Bearer {TOKEN}"})
        await mock.client.get(f"/v1/credits?key={TOKEN}")
        await mock.client.get("/v1/nowhere")
        await asks(mock, "GET", "/health")
        return (await does(mock, "GET", "/unmatched.har"))["log"]["entries"]  # type: ignore[no-any-return]

    keyless, elsewhere = sorted(mock.run(scene()), key=lambda one: str(one["request"]["url"]))
    assert keyless["request"]["url"].endswith(f"/v1/credits?{KEY_REMOVED}")
    assert elsewhere["request"]["url"].endswith("/v1/nowhere")
    assert (keyless["response"]["status"], elsewhere["response"]["status"]) == (401, 404)
    assert not any(one["startedDateTime"].startswith("1970") for one in (keyless, elsewhere))
    assert TOKEN not in json.dumps([keyless, elsewhere])
    do(mock, "POST", "/reset")
    assert do(mock, "GET", "/unmatched.har")["log"]["entries"] == []


COMMON = {"httpVersion", "cookies", "headers", "headersSize", "bodySize"}
REQUEST = COMMON | {"method", "url", "queryString"}
RESPONSE = COMMON | {"status", "statusText", "content", "redirectURL"}


def test_the_journal_is_bounded_and_can_be_forgotten(mock: Mock) -> None:
    async def scene() -> list[Any]:
        for _ in range(JOURNAL + 5):
            await mock.client.get("/v1/credits", headers={"authorization": "Bearer key"})
        return (await does(mock, "GET", "/journal"))["entries"]  # type: ignore[no-any-return]

    assert len(mock.run(scene())) == JOURNAL
    do(mock, "DELETE", "/journal")
    assert do(mock, "GET", "/journal") == {"entries": [], "dropped": 0}


def test_what_the_control_api_is_asked_does_not_stand_in_the_journal(mock: Mock) -> None:
    do(mock, "POST", "/clock/freeze")
    mock.create()
    assert [one["path"] for one in do(mock, "GET", "/journal")["entries"]] == ["/v1/videos/generations"]


def test_a_request_that_broke_the_contract_says_how(mock: Mock) -> None:
    mock.post(BODY | {"duration": 7})
    (found,) = do(mock, "GET", "/journal")["entries"]
    assert found["violations"] == ["duration: 7 is not one of 6, 10"]
    (archived,) = do(mock, "GET", "/journal.har")["log"]["entries"]
    assert archived["_violations"] == found["violations"]


async def script(mock: Mock, url: str) -> None:
    """One life of an account: what is created, polled, refused and called back."""
    await does(mock, "POST", "/clock/set", {"now": START + 100})
    task = await creates(mock, url)
    await creates(mock, prompt="[[fail=generation_timeout@40]]")
    await mock.asks("POST", "/v1/videos/generations", json=BODY | {"duration": 7})
    for seconds in (0.3, 2, 2.7, 1, 30):
        await does(mock, "POST", "/clock/advance", {"seconds": seconds})
        await mock.asks("GET", f"/v1/tasks/{task['id']}")
    await mock.asks("GET", "/v1/credits")


def archives(port: Callable[[], Receiver], **choices: Any) -> tuple[bytes, Any]:
    with playing(allow_callbacks_to=("127.0.0.1",), **choices) as mock:

        async def scene() -> tuple[bytes, Any]:
            async with port() as receiver:
                await script(mock, receiver.url(f"/hook?{SECRET}"))
                text = (await asks(mock, "GET", "/journal")).content
                log = (await does(mock, "GET", "/journal.har"))["log"]["entries"]
                return text.replace(receiver.host.encode(), b"host"), json.loads(
                    json.dumps(log).replace(receiver.host, "host")
                )

        return mock.run(scene())


def test_two_runs_with_one_seed_give_the_same_journal_to_the_byte() -> None:
    def failing() -> Receiver:
        return Receiver([b"500 Internal Server Error"] * 2)

    (text, log), (again, relog) = archives(failing, seed=1), archives(failing, seed=1)
    assert text == again
    assert SECRET.encode() not in text
    for one in (*log, *relog):
        assert one.pop("time") == one["timings"].pop("wait")
    assert log == relog
    assert sum(one["_callback"] for one in log) == 3
    other, _ = archives(failing, seed=2)
    assert other != text


def test_the_journal_is_bounded_in_bytes_and_says_what_it_dropped() -> None:
    journal = Journal()
    size = JOURNAL_BYTES // 10
    for _ in range(15):
        journal.append(an_exchange(answer_body=b"x" * size))
    assert len(journal) == 9
    assert journal.dropped == 6
    journal.append(an_exchange(answer_body=b"x" * JOURNAL_BYTES * 2))
    assert len(journal) == 1, "the last exchange is always kept"


def test_violations_are_kept_apart_and_say_what_was_dropped(mock: Mock) -> None:
    mock.post(BODY | {"duration": 7})
    mock.get("/v1/tasks/task-unified-1757169743-aaaaaaaa")
    for _ in range(JOURNAL):
        mock.get("/v1/credits")
    journal = do(mock, "GET", "/journal")
    assert (len(journal["entries"]), journal["dropped"]) == (JOURNAL, 2)
    found = do(mock, "GET", "/violations")
    assert [violation["text"] for violation in found["violations"]] == [
        "duration: 7 is not one of 6, 10",
        "task_not_found: 'task-unified-1757169743-aaaaaaaa' is not a task of this account",
    ]
    assert found["dropped"] == 0


def test_a_query_of_an_own_task_that_a_recipe_refuses_is_no_violation(mock: Mock) -> None:
    task = mock.create()
    do(mock, "POST", "/recipes", {"recipe": "404", "operation": "query"})
    assert mock.get(f"/v1/tasks/{task['id']}").status_code == 404
    assert do(mock, "GET", "/violations") == {"violations": [], "dropped": 0}


@pytest.mark.parametrize(
    ("query", "statuses"), [("limit=2", [401, 200]), ("status=401", [401]), ("limit=1&status=200", [200])]
)
def test_the_journal_can_be_filtered(mock: Mock, query: str, statuses: list[int]) -> None:
    for headers in ({}, {"prefer": "mock=401"}, {}):
        mock.get("/v1/tasks/x" if headers else "/v1/credits", headers=headers)
    entries = do(mock, "GET", f"/journal?{query}")["entries"]
    assert [entry["status"] for entry in entries] == statuses


@pytest.mark.parametrize("name", ["X-Auth-Token", "Ocp-Apim-Subscription-Key", "X-Session-Id"])
def test_a_credential_of_one_request_is_removed_from_all_others(mock: Mock, name: str) -> None:
    mock.get("/v1/credits", headers={name: SECRET})
    mock.post(BODY | {"prompt": f"my key is {SECRET}, they said"})
    mock.get(f"/v1/tasks/{SECRET}")
    for path in ("/journal", "/journal.har", "/violations"):
        assert SECRET not in ask(mock, "GET", path).text


def test_the_body_of_a_query_is_recorded_like_any_other(mock: Mock) -> None:
    mock.ask("GET", "/v1/credits", content=b'{"ids":[1]}')
    assert ask(mock, "GET", "/journal").json()["entries"][-1]["request"]["body"] == '{"ids":[1]}'


def test_an_archive_marks_a_binary_body_and_one_that_was_cut() -> None:
    binary, long = an_exchange(request_body=b"\xff\xfe"), an_exchange(request_body=b"x" * KEPT)
    posts = [item["request"]["postData"] for item in har_entries([binary, long], (), Redactor([]))]
    assert (posts[0]["text"], posts[0]["encoding"]) == ("//4=", "base64")
    assert (len(posts[1]["text"]), posts[1]["comment"]) == (
        KEPT,
        f"the first {KEPT} of an unknown number of bytes",
    )

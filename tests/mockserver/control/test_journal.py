"""What is kept of exchanges: whole enough to be read again, and no secret in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.control import journal
from evolink_mock.control.journal import (
    CREDENTIALS,
    KEY_REMOVED,
    REMOVED,
    Made,
    clean,
    clean_body,
    clean_headers,
    entry,
    har,
)
from evolink_mock.domain.accounts import JOURNAL
from evolink_mock.domain.deliveries import Attempt
from evolink_mock.domain.exchange import Exchange
from hypothesis import given
from hypothesis import strategies as st
from support.callbacks import a_delivery
from support.control_calls import asks, creates, do, does
from support.in_process import BODY, START, Mock, Receiver, playing

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


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("https://h.example/a?b=c", f"https://h.example/a?{REMOVED}"),
        ("https://h.example/a#c", f"https://h.example/a#{REMOVED}"),
        ("https://user:pass@h.example:8443/a", "https://h.example:8443/a"),
        ("https://user:p@ss@h.example/a", "https://h.example/a"),
        ("see HTTPS://u@h/?k=v, and http://g/?x", f"see HTTPS://h/?{REMOVED} and http://g/?{REMOVED}"),
        ("https://h.example/a", "https://h.example/a"),
        ("no URL? none at all", "no URL? none at all"),
        (f"it is {TOKEN}!", f"it is {KEY_REMOVED}!"),
        (f"https://h.example/a?key={TOKEN}&b=c", f"https://h.example/a?{KEY_REMOVED}"),
        (f"https://h.example/{TOKEN}/a", f"https://h.example/{KEY_REMOVED}/a"),
    ],
)
def test_a_url_loses_what_may_be_a_credential_and_nothing_else(text: str, cleaned: str) -> None:
    assert clean(text, (TOKEN,)) == cleaned


@pytest.mark.parametrize("name", sorted(CREDENTIALS))
def test_a_credential_of_a_header_is_removed_whatever_its_case(name: str) -> None:
    for written in (name, name.title(), name.upper()):
        assert clean_headers([(written.encode(), SECRET.encode())]) == [(written, REMOVED)]


@pytest.mark.parametrize(("value", "shown"), [("Bearer ", f"Bearer {REMOVED}"), ("Basic ", REMOVED)])
def test_that_a_credential_is_a_bearer_token_is_no_secret(value: str, shown: str) -> None:
    assert clean_headers([(b"Authorization", value.encode() + SECRET.encode())]) == [("Authorization", shown)]


def test_a_preference_is_no_secret() -> None:
    assert clean_headers([(b"prefer", b"mock=402")]) == [("prefer", "mock=402")]


@given(
    place=st.sampled_from(
        ["https://h.example/x?key={}", "https://{}@h.example/", "http://h/#{}", "ws://h?{}"]
    ),
    escaped=st.sets(st.sampled_from("/:?@#s")),
    cut=st.integers(0, 120),
    nested=st.booleans(),
)
def test_no_spelling_of_a_body_keeps_a_secret(
    place: str, escaped: set[str], cut: int, *, nested: bool
) -> None:
    url = place.format(SECRET)
    spelled = "".join(f"\\u{ord(one):04x}" if one in escaped else one for one in url)
    spelled = spelled.replace("/", "\\/") if nested else spelled
    body = f'{{"a": [{{"callback_url": "{spelled}"}}], "b": "{"x" * 40}"}}'.encode()
    assert json.loads(body)["a"][0]["callback_url"] == url
    for given_body in (body, body[: len(body) - cut], body + b"]"):
        assert SECRET not in clean_body(given_body)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_body(body: bytes) -> None:
    assert isinstance(clean_body(body), str)


def test_a_short_token_is_a_word_and_stays_in_the_text() -> None:
    assert journal.secrets_of("key") == ()
    assert clean("the monkey", journal.secrets_of("key")) == "the monkey"
    assert set(journal.secrets_of(f"{TOKEN}~402")) == {TOKEN, f"{TOKEN}~402"}


def test_an_entry_says_what_was_asked_and_answered() -> None:
    body = json.dumps({"callback_url": f"https://h/?{SECRET}", "key": TOKEN}).encode()
    found = entry(an_exchange(request_body=body, task_id="task-1"), (TOKEN,))
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
    found = entry(an_exchange(status=status, notes=notes))
    assert found["violations"] == violations
    assert found["violations"] + found["notes"] == list(notes)


def test_an_archive_has_what_har_1_2_asks_for_and_callbacks_among_the_exchanges() -> None:
    attempts = (Attempt(START + 5, 0.1, None, "no answer"), Attempt(START + 6, 0.2, 204, None))
    owed = a_delivery("task-1", f"https://h/hook?{SECRET}", *attempts)
    calls = [Made(owed, one, b'{"id":"task-1"}') for one in attempts]
    exchanges = [an_exchange(), an_exchange(method="GET", at=START + 5.5, request_body=b"", query=b"a=b")]
    log = har(exchanges, calls, "1", (TOKEN,))["log"]
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
    (found,) = har([an_exchange(query=query.encode(), scheme="https")], [], "1", (TOKEN,))["log"]["entries"]
    assert found["request"]["url"] == f"https://mock.test/v1/videos/generations?{KEY_REMOVED}"
    assert "of-some-length" not in json.dumps(found)


def test_what_belongs_to_no_account_is_kept_without_its_secrets(mock: Mock) -> None:
    async def scene() -> list[Any]:
        await mock.client.get("/v1/credits", headers={"authorization": f"Bearer {TOKEN}"})
        await mock.client.get(f"/v1/credits?key={TOKEN}")
        await mock.client.get("/v1/nowhere", headers={"authorization": f"Bearer {TOKEN}"})
        await asks(mock, "GET", "/health")
        return (await does(mock, "GET", "/strays.har"))["log"]["entries"]  # type: ignore[no-any-return]

    keyless, elsewhere = sorted(mock.run(scene()), key=lambda one: str(one["request"]["url"]))
    assert keyless["request"]["url"].endswith(f"/v1/credits?{KEY_REMOVED}")
    assert elsewhere["request"]["url"].endswith("/v1/nowhere")
    assert (keyless["response"]["status"], elsewhere["response"]["status"]) == (401, 404)
    assert not any(one["startedDateTime"].startswith("1970") for one in (keyless, elsewhere))
    assert TOKEN not in json.dumps([keyless, elsewhere])
    do(mock, "POST", "/reset")
    assert do(mock, "GET", "/strays.har")["log"]["entries"] == []


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
    assert do(mock, "GET", "/journal") == {"entries": []}


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

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from evolink_check import Exchange
from evolink_check.traffic.body_redaction import _STRING, redact_body
from evolink_check.traffic.exchange_redaction import redact_exchange, redact_header, redact_trace
from evolink_check.traffic.formats import is_uri
from evolink_check.traffic.known_keys import KEY, KnownKeys
from evolink_check.traffic.text_redaction import REMOVED, redact_text, redact_url
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records.trace_builders import ID, RESULT, Tracing, completed, task

SECRET = "s3cr3tAbcdef0123456789"
HOOK = f"https://hooks.example.test/c/1?s={SECRET}&t=2"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
# What texts about addresses are made of, so that chance meets them.
PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "https://",
                "//",
                ":\\/\\/",
                "\\",
                "a",
                "?",
                "#",
                "@",
                "=",
                "%3F",
                "%2F%2F",
                "\\u003f",
                " ",
                '"',
                "'",
            ),
            *(
                "[removed]",
                KEY,
                "~ab",
                "removed-00ff",
                ".",
                "token: ",
                "Bearer ",
                "callback_url",
                SECRET,
                "}",
                "é",
            ),
        ]
    ),
    max_size=9,
).map("".join)

PARTS = st.text("abcXYZ019-._~!$&'()*+,;=:%<>^é ", max_size=30)
URLS = st.builds(
    lambda user, path, query, fragment: f"https://{user}h.test/{path}{query}{fragment}",
    st.just("") | PARTS.map("{}@".format),
    st.text("abc019/.-_", max_size=20),
    st.just("") | PARTS.map("?{}".format),
    st.just("") | PARTS.map("#{}".format),
)


def body(value: Any) -> str:
    return redact_body(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "url",
    [
        HOOK,
        f"https://{SECRET}@hooks.example.test/c",
        f"https://user:{SECRET}@hooks.example.test/c",
        f"https://hooks.example.test/c#{SECRET}",
        f"https://hooks.example.test/c?a b={SECRET} \"{SECRET}'",
        f"//hooks.example.test/c?s={SECRET}",
        f"HTTPS:\\\\hooks.example.test\\c?{SECRET}",
        f"/v1/tasks/x?key={SECRET}",
        f"https://proxy.example.test/https%3A%2F%2Fhooks.example.test%2Fc%3Fs%3D{SECRET}",
    ],
)
def test_a_url_loses_user_query_and_fragment_and_nothing_of_its_length(url: str) -> None:
    plain = redact_url(url)
    assert SECRET not in plain
    assert len(plain) == len(url)


def test_a_url_without_secrets_stays() -> None:
    assert redact_url(RESULT) == RESULT


def test_a_good_url_stays_one_and_a_bad_one_bad() -> None:
    assert is_uri(redact_url(HOOK))
    assert not is_uri(redact_url("https://hooks.example.test/c?s=a b"))
    assert " " in redact_url("https://hooks.example.test/c?s=a b")
    assert not is_uri(redact_url("https://hooks.example.test/c?s=<a>"))


def test_equal_queries_leave_equal_marks_and_others_do_not() -> None:
    assert redact_url(HOOK) == redact_url(HOOK)
    assert redact_url(HOOK) != redact_url(HOOK.replace("t=2", "t=3"))


def test_a_key_in_a_query_is_told_from_other_secrets() -> None:
    assert redact_url(f"/v1/tasks/x?key={SECRET}", KnownKeys([SECRET])) == f"/v1/tasks/x?{KEY}"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", f"Bearer {SECRET}", "Bearer [main]"),
        ("authorization", SECRET, REMOVED),
        ("Authorization", f"Strange {SECRET}", REMOVED),
        ("Authorization", "Bearer", "Bearer"),
        ("Authorization", "", ""),
        ("Cookie", f"session={SECRET}", REMOVED),
        ("Set-Cookie", f"session={SECRET}", REMOVED),
        ("X-Api-Key", SECRET, REMOVED),
        ("X-Amz-Security-Token", SECRET, REMOVED),
        ("Content-Type", "application/json", "application/json"),
        ("X-Ratelimit-Remaining", "12", "12"),
    ],
)
def test_a_header_shows_whose_key_it_was(name: str, value: str, shown: str) -> None:
    assert redact_header(name, value, "main") == (name, shown)


def test_nobody_has_no_label() -> None:
    assert redact_header("Authorization", f"Basic {SECRET}", "nobody")[1] == f"Basic {REMOVED}"


def test_an_address_in_a_header_is_cleaned() -> None:
    assert redact_header("Location", HOOK)[1] == redact_url(HOOK)


@pytest.mark.parametrize(
    "value",
    [
        {"callback_url": HOOK},
        {"callback_url": f"hooks.example.test/c?s={SECRET}"},
        {"webhook": f"user:{SECRET}@hooks.example.test"},
        {"image_urls": ["https://a.test/x.jpg", HOOK]},
        {"prompt": f"Look at {HOOK}, then dance"},
        {"nested": {"deep": [{"url": HOOK}]}},
        {HOOK: 1},
        {"text": json.dumps({"callback_url": HOOK})},
        {"text": json.dumps(json.dumps({"callback_url": HOOK}))},
        {"text": json.dumps({"callback_url": f"hooks.example.test/c?s={SECRET}"})},
        {"api_key": SECRET},
        {"headers": {"Authorization": f"Bearer {SECRET}"}},
        {"message": f"no such key: Bearer {SECRET}"},
        {"message": f"no such key sk-{SECRET}"},
        [HOOK],
        HOOK,
    ],
)
def test_no_string_of_json_keeps_a_secret(value: Any) -> None:
    raw = json.dumps(value)
    for written in (raw, raw.replace("/", "\\/"), raw.replace("?", "\\u003f"), raw[:-1], raw[1:]):
        assert SECRET not in redact_body(written.encode()).decode()
    assert SECRET.encode() not in redact_body(raw.encode("utf-16-le")).replace(b"\0", b"")


@pytest.mark.parametrize(
    "raw",
    [
        f"callback_url=https%3A%2F%2Fhooks.example.test%2Fc%3Fs%3D{SECRET}&x=1",
        f"<a href='{HOOK}'>here</a>",
        f"Authorization: Basic {SECRET}\r\nHost: x",
        f"{{'api_key': '{SECRET}'",
        f"\xff {HOOK}",
    ],
)
def test_no_other_text_keeps_a_secret(raw: str) -> None:
    assert SECRET.encode() not in redact_body(raw.encode("latin-1"))


@pytest.mark.parametrize(
    "raw",
    [
        '{"headers":[{"name":"X-Api-Key","value":"SECRET01zq8Kd93LmXv72Qp"}]}',
        '{"auth":{"value":"SECRET01zq8Kd93LmXv72Qp"}}',
        "<auth><token>SECRET01zq8Kd93LmXv72Qp</token></auth>",
        "bearer, SECRET01zq8Kd93LmXv72Qp",
        '{"u": "https://x.example/hook/SECRET01zq8Kd93LmXv72Qp"}',
        '{"params":[{"value":"SECRET01zq8Kd93LmXv72Qp","name":"api_key"}]}',
        '{"headers":[["X-Api-Key","SECRET01zq8Kd93LmXv72Qp"]]}',
        '{"args":["--token","SECRET01zq8Kd93LmXv72Qp"]}',
        *(f'{{"{name}":"SECRET"}}' for name in ("openai_key", "githubPat", "authHeader", "dbPass")),
        '{"x":"-----BEGIN RSA PRIVATE KEY-----\\nSECRET\\n-----END RSA PRIVATE KEY-----"}',
    ],
)
def test_a_field_near_a_name_that_says_so_is_removed(raw: str) -> None:
    assert b"SECRET" not in redact_body(raw.encode())


def test_what_holds_no_secret_stays_to_the_byte() -> None:
    raw = b'{ "a" : "https:\\/\\/x.test\\/y.mp4",\r\n"b":"\\u00e9\xc3\xa9", "n": 1.50, "a":2}'
    assert redact_body(raw) == raw
    assert redact_body(bytes(range(256))) == bytes(range(256))


def test_around_a_secret_a_body_stays_as_it_was_written() -> None:
    raw = '{ "callback_url" : "https:\\/\\/h.test\\/c?s=SECRET" ,"é":"ü", "n": 1.50}'
    plain = redact_body(raw.encode()).decode()
    mark = redact_url("https://h.test/c?s=SECRET").partition("?")[2]
    assert plain == raw.replace("s=SECRET", mark)


def test_letters_around_a_secret_stay_as_they_were_written() -> None:
    for letter in ("ü", "\\u00fc"):
        raw = f'{{"callback_url":"https://h.test/{letter}?s=SECRET"}}'
        assert letter in redact_body(raw.encode()).decode()


def test_callback_and_delivery_and_link_and_fetch_still_match() -> None:
    trace, link = Tracing(), f"{RESULT}?X-Sig={SECRET}"
    trace.create(body={"prompt": "x", "callback_url": HOOK})
    trace.query(completed(results=[link]))
    trace.link(url=link)
    trace.delivery(completed(results=[link]), url=HOOK)
    exchanges = [entry.exchange for entry in redact_trace(trace.trace()).entries]
    assert json.loads(exchanges[0].request_body)["callback_url"] == exchanges[3].url != HOOK
    assert json.loads(exchanges[1].response_body)["results"] == [exchanges[2].url] != [link]


def test_a_known_key_is_removed_wherever_it_stands() -> None:
    trace = Tracing()
    trace.create(body={"prompt": f"say {SECRET}", "n": 1}, answer=f"no JSON: {SECRET}".encode())
    trace.query(task(), sent=(("X-Odd", SECRET),), problem=f"lost {SECRET}", id_=SECRET)
    assert SECRET not in str(redact_trace(trace.trace(), [SECRET]))
    assert str(redact_trace(trace.trace(), [SECRET])).count(KEY) == 5


def test_a_short_key_may_be_a_word_and_stays() -> None:
    assert redact_text("the man dances", KnownKeys(["man"])) == "the man dances"


def test_a_trace_without_secrets_is_not_changed() -> None:
    trace = Tracing()
    trace.create()
    trace.query(completed())
    assert redact_trace(trace.trace()) == trace.trace()


def test_the_prefix_of_a_receiver_is_cleaned() -> None:
    trace = replace(Tracing().trace(), receiver=f"https://u:{SECRET}@hooks.example.test/c")
    assert SECRET not in redact_trace(trace).receiver


@settings(deadline=None)
@given(URLS)
def test_cleaning_twice_is_cleaning_once(url: str) -> None:
    for clean in (redact_url, redact_text):
        assert clean(clean(url)) == clean(url)
    for raw in (f"see {url}".encode(), json.dumps({"callback_url": url, "x": [url]}).encode()):
        assert redact_body(redact_body(raw)) == redact_body(raw)


@settings(deadline=None)
@given(PIECES, PIECES)
def test_whatever_stands_around_it_a_query_is_removed(before: str, after: str) -> None:
    secret = "qW7eRtY5"
    assert secret not in redact_text(f"{before} https://h.test/c?s={secret}{after}")
    assert secret not in body({"callback_url": f"https://h.test/c?s={secret}{after}", "p": before})


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | TEXTS, lambda inner: st.dictionaries(TEXTS, inner) | st.lists(inner)
    )
)
def test_json_stays_json_of_the_same_shape(value: Any) -> None:
    def shape(part: Any) -> Any:
        if isinstance(part, dict):
            return [shape(inner) for inner in part.values()]
        return [shape(inner) for inner in part] if isinstance(part, list) else type(part)

    plain = json.loads(body(value))
    assert isinstance(plain, dict) or shape(plain) == shape(value)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_bytes_without_an_address_are_let_alone(raw: bytes) -> None:
    if b"//" not in raw and b":" not in raw and b"%" not in raw:
        assert redact_body(raw) == raw


def test_an_exchange_names_who_asked() -> None:
    exchange = Exchange("GET", f"/v1/tasks/{ID}", (("Authorization", f"Bearer {SECRET}"),), b"", 200, (), b"")
    assert redact_exchange(exchange, "other").request_headers == (("Authorization", "Bearer [other]"),)


@pytest.mark.parametrize("piece", ['\\"', "x", "\\\\"])
def test_a_string_that_is_cut_off_is_looked_at_once(piece: str) -> None:
    for size in (
        1_000,
        2_000,
    ):  # else each quotation mark in it would be a start to look from, to the end of the text
        text = '"' + piece * size
        assert [match.span() for match in _STRING.finditer(text)] == [(0, len(text))]


def test_a_secret_in_a_string_that_is_cut_off_is_removed() -> None:
    cut = b'{"api_key": "s3cr3tAbcdef", "callback_url": "https://h.test/?s=s3cr3tAbcdef'
    assert b"s3cr3t" not in redact_body(cut)
    assert not redact_body(cut).endswith(b'"')


@pytest.mark.parametrize("password", ["pa#ss", "pa/ss", "pa?ss", "a:b/c"])
@pytest.mark.parametrize(
    "text", ["http://user:{}@host:1/path", "cannot read 'http://user:{}@host:1/path': no"]
)
def test_a_password_with_a_delimiter_that_is_not_encoded_is_removed(text: str, password: str) -> None:
    for redact in (redact_text, redact_url):
        shown = redact(text.format(password))
        assert password not in shown
        assert "user:" not in shown
        assert "@host:1/path" in shown


@pytest.mark.parametrize(
    "url", ["http://host:80/a@b", "http://host:80", "http://host/a:b@c", "https://host:8080?a=b@c"]
)
def test_a_sign_after_the_host_is_no_end_of_a_user(url: str) -> None:
    assert redact_url(url).startswith(url.partition("?")[0])

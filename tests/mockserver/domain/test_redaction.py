"""What is removed from logs and journals: what was sent as a credential, by its name and wherever it appears again."""

from __future__ import annotations

import json
from base64 import b64encode
from time import process_time

import pytest
from evolink_mock.domain.redaction import (
    KEY_REMOVED,
    REMOVED,
    Redactor,
    credential_values,
    is_credential_name,
    redact_for_log,
)
from hypothesis import given
from hypothesis import strategies as st

SECRET = "s3cr3t-of-the-receiver"
TOKEN = "a-token-of-some-length"
KEYLESS = Redactor([])
CREDENTIALS = (
    *("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-auth-token"),
    *("x-access-token", "x-goog-api-key", "x-amz-security-token", "x-secret", "x-session-id", "x-auth"),
    *("x-credential", "ocp-apim-subscription-key", "x-key", "apikey", "x-csrf-token"),
    *("fastly-key", "x-consumer-key", "secretkey", "x-my-own-key"),
)
HARMLESS = (
    *(
        "accept",
        "content-type",
        "host",
        "prefer",
        "user-agent",
        "x-request-id",
        "retry-after",
        "www-authenticate",
    ),
    *("idempotency-key", "keep-alive", "total_tokens", "author", "credits", "model", "session_count"),
)


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
    assert Redactor([TOKEN]).text(text) == cleaned


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_credential_of_a_header_is_removed_whatever_its_case(name: str) -> None:
    for written in (name, name.title(), name.upper()):
        assert KEYLESS.headers([(written.encode(), SECRET.encode())]) == [(written, REMOVED)]


@pytest.mark.parametrize(
    "value",
    ["sk-live-0123456789", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"],
)
def test_a_header_value_that_looks_like_a_key_is_removed_under_any_name(value: str) -> None:
    assert KEYLESS.headers([(b"x-foo", value.encode())]) == [("x-foo", REMOVED)]
    for name in (b"x-request-id", b"idempotency-key", b"user-agent", b"if-none-match"):
        kept = KEYLESS.headers([(name, b"aB3dE6gH9jK2mN5pQ8sT1vW4yZ")])
        assert kept == [(name.decode(), "aB3dE6gH9jK2mN5pQ8sT1vW4yZ")]


def test_a_key_of_another_account_is_not_logged() -> None:
    texts = ["/v1/tasks/sk-proj-0123456789", 'model: "aB3dE6gH9jK2mN5pQ8sT1vW4yZ" is not one of a, b']
    path, note = redact_for_log(texts, [])
    assert (path, note) == (f"/v1/tasks/{REMOVED}", f'model: "{REMOVED}" is not one of a, b')
    harmless = "/v1/tasks/task-unified-1757169743-7cvnl5zw"
    assert redact_for_log([harmless], []) == [harmless]
    assert [KEYLESS.text(text) for text in (texts[0], harmless)] == [path, harmless]


@pytest.mark.parametrize("key", ["sk-proj-0123456789", "ghp_0123456789abcdef", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ"])
@pytest.mark.parametrize(
    "place", ["{}", "a cat {} on a mat", "https://h.example/hooks/{}", "https://h.example/{}/x?y"]
)
def test_a_word_that_looks_like_a_key_is_removed_from_bodies_and_texts(key: str, place: str) -> None:
    text = place.format(key)
    bodies = [json.dumps({"model": "m", "note": [text]}), f'{{"prompt": "{text}"', f"mode={text}"]
    assert not any(key in KEYLESS.body(body.encode()) for body in bodies)
    assert key not in KEYLESS.text(f'mode: "{text}" is not one of fun, normal')


def test_files_and_identifiers_in_a_body_are_kept() -> None:
    random = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ"
    body = {
        "image": f"data:image/png;base64,{random}",
        "base64_data": random,
        "file_id": random,
        "id": "task-unified-1757169743-7cvnl5zw",
        "model": "grok-imagine-image-to-video-beta",
    }
    assert json.loads(KEYLESS.body(json.dumps(body).encode())) == body
    part = f'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n{random}\r\n--b--'
    assert KEYLESS.body(part.encode()) == part


@pytest.mark.parametrize(("value", "shown"), [("Bearer ", f"Bearer {REMOVED}"), ("Basic ", REMOVED)])
def test_that_a_credential_is_a_bearer_token_is_no_secret(value: str, shown: str) -> None:
    assert KEYLESS.headers([(b"Authorization", value.encode() + SECRET.encode())]) == [
        ("Authorization", shown)
    ]


def test_a_preference_is_no_secret() -> None:
    assert KEYLESS.headers([(b"prefer", b"mock=402")]) == [("prefer", "mock=402")]


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
        assert SECRET not in KEYLESS.body(given_body)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_body(body: bytes) -> None:
    assert isinstance(KEYLESS.body(body), str)


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_value_that_was_sent_as_a_credential_is_removed_wherever_it_appears_again(name: str) -> None:
    value = f"sid={SECRET}" if "cookie" in name else SECRET
    redactor = Redactor([], credential_values([(name.encode(), value.encode()), (b"x", b"y")]))
    for text in (SECRET, f"key {SECRET}!", f"/tasks/{SECRET}/x", f"a{SECRET}b"):
        assert SECRET not in redactor.text(text)
        assert SECRET not in redactor.body(json.dumps({"a": [text]}).encode())
        assert SECRET not in str(redactor.headers([(b"x-echo", text.encode())]))


@pytest.mark.parametrize("scheme", ["Bearer ", "Token ", "ApiKey  ", "", "bearer "])
def test_a_key_is_known_in_any_scheme(scheme: str) -> None:
    assert credential_values([(b"Authorization", (scheme + SECRET).encode())]) == [SECRET]


def test_both_parts_of_basic_credentials_are_known() -> None:
    header = (b"authorization", b"Basic " + b64encode(b"me-myself:pass:word"))
    assert {"me-myself", "pass:word"} <= set(credential_values([header]))


def test_the_values_of_cookies_and_of_query_parameters_are_known() -> None:
    headers = [(b"cookie", b"theme=dark; sid=abcdef123")]
    assert credential_values(headers, b"q=a&api_key=k%2D17x") == ["dark", "abcdef123", "k%2D17x", "k-17x"]


@pytest.mark.parametrize("name", HARMLESS)
def test_other_names_carry_no_credential(name: str) -> None:
    assert not is_credential_name(name)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("key", KEY_REMOVED),
        ("the key.", f"the {KEY_REMOVED}."),
        ("/v1/tasks/key", f"/v1/tasks/{KEY_REMOVED}"),
        ("the monkey has keys", "the monkey has keys"),
        ("key-less", "key-less"),
    ],
)
def test_a_short_key_is_removed_where_it_is_a_whole_word(text: str, redacted: str) -> None:
    assert Redactor(["key~402"]).text(text) == redacted


def test_a_short_key_is_no_name_of_a_field() -> None:
    assert Redactor(["model"]).body(b'{"model":"model"}') == f'{{"model":"{KEY_REMOVED}"}}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"api_key": "%s", "a": {"password": ["%s"]}}',
        b"prompt=a&api_key=%s&x_auth_token=%s",
        b"\r\n".join(
            (
                *(b"--b", b'Content-Disposition: form-data; name="apiKey"', b"", b"%s", b"--b"),
                *(
                    b"content-disposition: form-data; name=token",
                    b"content-type: text/plain",
                    b"",
                    b"%s",
                    b"--b--",
                ),
            )
        ),
        b'{"secret": "%s", "token" : "%s", "cut": tr',
    ],
)
def test_a_field_whose_name_says_so_is_removed_in_json_forms_and_what_is_cut_short(body: bytes) -> None:
    assert SECRET not in KEYLESS.body(body % (SECRET.encode(), SECRET.encode()))


def test_the_removal_is_not_itself_redacted() -> None:
    assert Redactor(["removed", "key"], ["key"]).text("key and removed") == f"{KEY_REMOVED} and {KEY_REMOVED}"


def test_a_log_shows_of_urls_the_origin_and_no_credential_of_the_request() -> None:
    headers = [(b"authorization", b"Bearer abc-17"), (b"x-secret", SECRET.encode())]
    assert redact_for_log(["/v1/tasks/abc-17"], headers) == [f"/v1/tasks/{REMOVED}"]
    note = f"callback_url: https://u:p@h.example:8/T0K/x?y is {SECRET}"
    assert redact_for_log([note], headers) == [f"callback_url: https://h.example:8 is {REMOVED}"]
    assert redact_for_log(["duration: 7 is not one of 6, 10"], headers) == ["duration: 7 is not one of 6, 10"]


HOSTILE = {
    "letters": "a{}",
    "backslashes": "\\{}",
    "quotes": '"{}',
    "schemes": "a:{}",
    "slashes": "://{}",
    "names": "form-data; name=a{}",
    "members": '"a":"{}',
    "users": "://a@b{}",
    "pairs": "a.a={}",
    "breaks": "form-data; name=a\r\na{}",
}


@pytest.mark.parametrize("pattern", HOSTILE.values(), ids=HOSTILE)
def test_the_work_grows_no_faster_than_the_text(pattern: str) -> None:
    """A text of 256 KB takes less than a second of CPU time where it is linear, and minutes where it is quadratic."""
    part = pattern.replace("{}", "")
    text = part * (256_000 // len(part))
    began = process_time()
    Redactor([TOKEN, "key"], [SECRET]).body(text.encode())
    Redactor([TOKEN, "key"], [SECRET]).text(text)
    redact_for_log([text], [(b"x-secret", SECRET.encode())])
    assert process_time() - began < 5


KEY = "SECRET01zq8Kd93LmXv72Qp"
UNKNOWN_NAMES = [
    (b"X-Custom", f"Bearer {KEY}"),
    (b"X-User", f"Basic {KEY}="),
    (b"Sec-WebSocket-Protocol", f"bearer, {KEY}"),
    (b"X-Original-URL", f"/a?api_key={KEY}"),
    *((name, "12ab") for name in (b"X-Pass", b"X-PIN", b"X-OTP", b"X-Access")),
]


@pytest.mark.parametrize(("name", "value"), UNKNOWN_NAMES)
def test_a_header_whose_value_or_word_says_so_is_removed(name: bytes, value: str) -> None:
    ((_, shown),) = KEYLESS.headers([(name, value.encode())])
    assert REMOVED in shown
    assert KEY not in shown
    assert "12ab" not in shown


@pytest.mark.parametrize(
    "body",
    [
        f'{{"headers":[{{"name":"X-Api-Key","value":"{KEY}"}}]}}',
        f'{{"auth":{{"value":"{KEY}"}}}}',
        f'{{"credentials":{{"user":"a","x":["{KEY}"]}}}}',
        f"<auth><token>{KEY}</token></auth>",
        f"Authorization: Bearer {KEY}",
        f'{{"sk-{KEY}": 1}}',
        f"/v1/credits/token={KEY}",
    ],
)
def test_a_field_near_a_name_that_says_so_is_removed(body: str) -> None:
    assert KEY not in KEYLESS.body(body.encode())


@pytest.mark.parametrize("body", [{"openai_key": "a"}, {"x": ["0123456789abcdef" * 2]}])
def test_a_name_that_ends_in_key_and_a_hexadecimal_value_are_credentials(body: object) -> None:
    assert REMOVED in KEYLESS.body(json.dumps(body).encode())


def test_words_with_hyphens_and_ordinary_members_are_kept() -> None:
    body = {
        "sort_key": "asc",
        "sha256": "0123456789abcdef" * 2,
        "digest": "ab" * 16,
        "title": "Summer-Beach-Video-2026",
        "name": "a",
        "value": "b",
        "text": "the bearer of good news",
    }
    assert json.loads(KEYLESS.body(json.dumps(body).encode())) == body

"""Names that announce a credential, and values that were sent as one."""

from __future__ import annotations

import json

import pytest
from evolink_check.traffic.body_redaction import redact_body
from evolink_check.traffic.credentials import codes_in, credentials_in
from evolink_check.traffic.exchange_redaction import redact_trace
from evolink_check.traffic.text_redaction import redact_url
from evolink_check.traffic.trace import Exchange
from evolink_spec.credentials.names import header_names_secret, names_secret
from support.records.trace_builders import Tracing

SECRET = "s3cr3tAbcdef0123456789"
NAMES = [
    *(
        "Authorization",
        "X-Auth-Token",
        "X-Access-Token",
        "X-Secret",
        "Ocp-Apim-Subscription-Key",
        "X-Api-Key",
    ),
    *("X-Goog-Api-Key", "X-Amz-Security-Token", "X-Session-Id", "X-Credential", "Cookie", "Set-Cookie"),
    *(
        "accessToken",
        "api_key",
        "apikey",
        "clientSecret",
        "client.secret",
        "user password",
        "X-Functions-Key",
    ),
    *("signing-key", "encryption_key", "licenseKey", "privateKeyId", "auth.value", "sas", "X-Client-Cert"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_announces_a_credential_in_any_spelling(name: str) -> None:
    assert all(map(names_secret, (name, name.lower(), name.upper(), f" {name} ")))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "X-Api-Keys",
            "X-Tokens",
            "X-Creds",
            "X-Passcode",
            "X-Bearer",
            "X-Api-Secret-V2",
            "X-Secret-1",
            "X-Api-Key-2",
        ),
        *(
            "X-Apikey1",
            "AccessKeyId",
            "CF-Access-Jwt-Assertion",
            "pwd",
            "apiKey2",
            "api_keys",
            "X-AuthToken2",
        ),
    ],
)
def test_a_number_or_a_plural_at_the_end_of_a_name_changes_nothing(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize(
    "name", ["X-RateLimit-Remaining-Tokens", "total_tokens", "access", "address", "3", "v2"]
)
def test_a_count_of_tokens_is_not_a_credential(name: str) -> None:
    assert not header_names_secret(name)


@pytest.mark.parametrize("name", ["X-Auth", "x-session", "Api-Session", "X-JWT", "X-Key", "key", "sid"])
def test_the_name_of_a_header_is_suspect_sooner(name: str) -> None:
    assert header_names_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Content-Type",
            "X-Request-Id",
            "Idempotency-Key",
            "Sec-WebSocket-Key",
            "WWW-Authenticate",
            "Author",
        ),
        *("max_tokens", "secretary", "tokenizer", "cookies_accepted", "prompt", "seed", "duration", "", "-"),
    ],
)
def test_other_names_announce_none(name: str) -> None:
    assert not header_names_secret(name)


def test_a_placeholder_was_not_sent_as_a_credential() -> None:
    headers = (
        ("X-Api-Key", "[removed-1234567890]"),
        ("Cookie", "a=***; b=xxxxxxxxxxxxxxxxxxxx"),
        ("X-Auth", "none"),
    )
    assert credentials_in(Exchange("GET", "/v1/x?token=REDACTED", headers, b"", 200, (), b"")) == set()


@pytest.mark.parametrize(
    "header", [("X-Auth", SECRET), ("X-Session-Id", SECRET), ("Cookie", f"a=1; s={SECRET}")]
)
def test_in_a_trace_a_credential_is_removed_from_every_exchange(header: tuple[str, str]) -> None:
    trace = Tracing()
    trace.query({"message": f"{SECRET} is not known"}, 400, id_=SECRET)
    trace.create(sent=(header,))
    assert SECRET not in str(redact_trace(trace.trace()))


def test_a_part_of_a_form_is_redacted_by_its_name() -> None:
    for ending in ("\r\n", "\n"):
        head = f'--b{ending}Content-Disposition: form-data; name="%s"{ending}{ending}'
        parts = [head % "api_key", SECRET, ending, head % "prompt", "a cat", f"{ending}--b--{ending}"]
        plain = redact_body("".join(parts).encode()).decode()
        assert (SECRET in plain, "a cat" in plain) == (False, True)


def test_a_key_in_a_path_is_removed_by_its_shape() -> None:
    assert "sk-" not in redact_url("https://gate.test/sk-0123456789abcdef/v1/credits")
    assert "aB3dE6gH" not in redact_url("https://gate.test/aB3dE6gH9jK2mN5pQ8sT1vW4yZ/v1/credits")
    assert redact_url("https://cdn.test/0123456789abcdef0123456789abcdef.mp4").endswith("abcdef.mp4")


def test_a_member_of_json_that_follows_a_secret_one_is_kept() -> None:
    body = json.loads(redact_body(json.dumps({"accessToken": SECRET, "prompt": "a cat"}).encode()))
    assert body == {"accessToken": "[removed]", "prompt": "a cat"}


def test_every_member_that_announces_a_credential_is_removed_from_a_body() -> None:
    for name in NAMES:
        assert SECRET not in redact_body(json.dumps({name: SECRET}).encode()).decode()


def test_a_number_is_removed_where_it_is_a_credential_and_kept_where_it_counts() -> None:
    body = {
        "secret": 93817264,
        "pin": 4711,
        "otp": 123456,
        "tokens": 50,
        "token": {"used_credits": 5},
        "spin": 2,
    }
    plain = json.loads(redact_body(json.dumps(body).encode()))
    assert plain == body | dict.fromkeys(("secret", "pin", "otp"), "[removed]")


def test_the_code_of_a_query_is_a_credential_and_that_of_an_error_is_none() -> None:
    exchange = Exchange("GET", f"/v1/x?code={SECRET}", (), b"", 200, (), b"")
    assert codes_in(exchange) == {SECRET}
    error = json.dumps({"error": {"code": "task_not_found"}}).encode()
    assert redact_body(error) == error

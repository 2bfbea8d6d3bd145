"""Placeholders that recorders and sanitizers write in the place of a key are not keys."""

from __future__ import annotations

import pytest
from evolink_check.traffic.placeholders import bearer_key, is_distinctive, is_placeholder

PLACEHOLDERS = [
    *(
        "",
        "[Filtered]",
        "[Authorization redacted]",
        "_REDACTED_",
        "{{auth}}",
        "***",
        "<redacted>",
        "REDACTED",
    ),
    *(
        "${TOKEN}",
        "$TOKEN",
        "%TOKEN%",
        "[sanitized]",
        "(redacted)",
        "--redacted--",
        "xxx",
        "XXXXXXXX",
        "00000000",
    ),
    *(
        "••••••",
        "…",
        "[object Object]",
        "HIDDEN",
        "[masked]",
        "**REDACTED**",
        "__token__",
        "DUMMY",
        "<API_KEY>",
    ),
    *(
        "YOUR_API_KEY",
        "ACCESS_TOKEN",
        "sk-***",
        "sk-abcd...wxyz",
        "sk-xxxxxxxxxxxx",
        "****abcd",
        "undefined",
        "null",
    ),
    *("[REDACTED BY A TOOL]", "[removed]", "[removed:key]", "ENV[KEY]", "<your-key-here>", "token", "secret"),
    *(
        "REDACTED1",
        "SENSITIVE",
        "sk-xxx",
        "VCR_TOKEN",
        "redactedToken",
        "CHANGEME",
        "sk-your-key-here",
        "REDACT",
    ),
    *("Removed by HAR sanitizer", "Not recorded", "not available", "sensitive data", "value deleted"),
    *("Not logged", "not captured", "Header dropped", "blocked by policy", "withdrawn before export"),
    *("EXAMPLE_AUTH_HEADER", "test-authorization", "EXAMPLE_TOKEN", "sample-key-1", "ThisIsNotTheRealToken"),
    *("00000000-0000-0000-0000-000000000000", "aaaa-bbbb-cccc", "sk-00000000000000000000"),
]


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_a_placeholder_is_not_a_key_with_a_scheme_or_without(text: str) -> None:
    assert bearer_key(text) is None
    assert bearer_key(f"Bearer {text}") is None
    assert is_placeholder(text)


@pytest.mark.parametrize(
    "key",
    [
        *(
            "sk-0123456789abcdef",
            "sk-main",
            "k1",
            "a-key-that-nobody-has",
            "eyJhbGci.eyJzdWIi.c2ln",
            "AbC/d+e==",
        ),
        *("sk_test_4eC39HqLyjWDarjtT1zdp7dc", "example-9f3kq7", "sk-982364501734", "testexampletokenq"),
        "10000000-0000-0000-0000-000000000000",
    ],
)
def test_a_key_is_a_key(key: str) -> None:
    assert bearer_key(f"Bearer {key}") == key
    assert bearer_key(f" bearer  {key} ") == key


@pytest.mark.parametrize(
    "value",
    ["Basic dXNlcjpwdw==", "Token abc12345", 'Digest username="x", nonce="y1"', "sk-0123456789abcdef"],
)
def test_a_credential_in_another_form_is_no_bearer_key(value: str) -> None:
    assert bearer_key(value) == ""


@pytest.mark.parametrize("value", ["Basic ***", "Token [removed]", "Bearer", "basic"])
def test_a_header_without_its_credential_does_not_say_who_asked(value: str) -> None:
    assert bearer_key(value) is None


def test_a_long_run_of_signs_is_looked_at_once() -> None:
    for sign in (" ", "*", "-", "[", "x", "."):
        assert bearer_key(f"Bearer {sign * 200_000}!") is None


def test_only_what_cannot_stand_there_by_chance_is_distinctive() -> None:
    assert is_distinctive("s3cr3tAbc")
    assert is_distinctive("correct-horse-battery-staple")
    assert not any(
        map(is_distinctive, ("dark", "accepted", "abc123", "xxxxxxxxxxxxxxxxxxxx", "[removed-1234567890]"))
    )

"""Any bytes give a value or a clear 400, and never anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evolink_mock.http.errors import ApiError
from evolink_mock.http.json_body import check_content_type, parse, too_large
from hypothesis import given
from hypothesis import strategies as st

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NEARLY = st.lists(
    st.sampled_from([*b'{}[]:,"\\'[:], 0xEF, 0xBB, 0xBF, 0xED, 0xA0, 0x80, 0xFF]).map(
        lambda byte: bytes((byte,))
    )
    | st.sampled_from(
        (b"\\ud83d", b"\\ude00", b"NaN", b"-Infinity", b"1e999", b'"a"', b"1", b"-", b"null", b" ")
    )
).map(b"".join)


def reason(raw: bytes) -> str:
    """Why a body is refused: what stands behind the words that all of them have."""
    error = parse(raw)
    assert isinstance(error, ApiError)
    assert (error.status, error.param) == (400, "")
    return error.detail.removeprefix("the body is not valid JSON: ")


@given(st.binary() | NEARLY)
def test_any_bytes_give_a_value_or_a_400(raw: bytes) -> None:
    value = parse(raw)
    assert not isinstance(value, ApiError) or (value.status == 400 and value.detail.isprintable())


@given(VALUES)
def test_json_is_read_as_it_was_meant(value: Any) -> None:
    for escaped in (True, False):
        assert parse(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(VALUES, st.integers(1, 40))
def test_what_is_cut_off_is_refused(value: Any, cut: int) -> None:
    whole = json.dumps([value]).encode()
    assert isinstance(parse(whole[: max(0, len(whole) - cut)]), ApiError)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "it is empty"),
        (b" \r\n\t", "it is empty"),
        (b"NaN", "NaN is not a JSON number"),
        (b'{"duration":NaN}', "NaN is not a JSON number"),
        (b"[-Infinity]", "Infinity is not a JSON number"),
        (b'{"prompt": "NaN", "duration": +1}', "invalid character (byte 30)"),
        (b"[1e400]", "a number is out of range"),
        (b"-1e400", "a number is out of range"),
        (b"1e999999999999", "a number is out of range"),
        (b"9" * 5000, "a number is out of range"),
        (rb'"\ud800"', r"a lone surrogate (\ud800 to \udfff) is not text"),
        (rb'"\udfff, and more"', r"a lone surrogate (\ud800 to \udfff) is not text"),
        (rb'"\ud800A"', r"a lone surrogate (\ud800 to \udfff) is not text"),
        (rb'["\ud800\ud800"]', r"a lone surrogate (\ud800 to \udfff) is not text"),
        (rb'{"\ud800":1}', r"a lone surrogate (\ud800 to \udfff) is not text"),
        (rb'"\\\ud800"', r"a lone surrogate (\ud800 to \udfff) is not text"),
        (rb'"\\ud800', "it is incomplete"),
        (rb'{"prompt":"\ud83d\ude00"', "it is incomplete"),
        (b'{"prompt":"\xed\xa0\x80"}', "byte 11 is not UTF-8"),
        (b'{"prompt":"a\xff"}', "byte 12 is not UTF-8"),
        (b'{"\xc3":1}', "byte 2 is not UTF-8"),
        (b"\xef\xbb\xbf{}", "it begins with a byte order mark"),
        (b"{'a':1}", "object keys must be strings (byte 1)"),
    ],
)
def test_what_is_wrong_is_said(raw: bytes, why: str) -> None:
    assert reason(raw) == why


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_what_is_nested_too_deeply_is_refused_in_these_words(opening: bytes) -> None:
    assert reason(opening * 10_000) == "the body is nested too deeply"


def test_a_whole_body_nested_too_deeply_is_refused() -> None:
    assert reason(b"[" * 10_000 + b"]" * 10_000) == "the body is nested too deeply"


def test_what_is_nested_five_hundred_deep_is_read() -> None:
    nested, depth = parse(b"[" * 500 + b"]" * 500), 1
    while nested:
        nested, depth = nested[0], depth + 1
    assert depth == 500


def test_the_last_of_two_equal_keys_wins() -> None:
    assert parse(b'{"a":1,"b":2,"a":3}') == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"18446744073709551616", 2**64),
        (b"9" * 400, 10**400 - 1),
        (b"6.0", 6.0),
        (b"-0", 0),
        (b"1E5", 100_000.0),
        (rb'"\ud83d\ude00"', "\N{GRINNING FACE}"),
        (rb'"\u0000"', "\0"),
    ],
)
def test_odd_json_is_json(raw: bytes, value: Any) -> None:
    assert parse(raw) == value


def test_twenty_megabytes_of_prompt_are_read() -> None:
    size = 20 * 1024 * 1024
    assert len(parse(b'{"prompt":"' + b"a" * size + b'"}')["prompt"]) == size


@pytest.mark.parametrize(
    "content_type",
    [b"application/json", b"Application/JSON", b"application/json; charset=utf-8", b" application/json ;x=y"],
)
def test_json_is_the_content_type_whatever_its_case_and_parameters(content_type: bytes) -> None:
    assert check_content_type(content_type) is None


@pytest.mark.parametrize(
    ("content_type", "named"),
    [
        (b"", "none"),
        (b"text/plain", "text/plain"),
        (b"application/jsonp", "application/jsonp"),
        (b"application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        (b"\xff" * 5000, "ÿ" * 100),
    ],
)
def test_another_content_type_is_refused_by_name(content_type: bytes, named: str) -> None:
    error = check_content_type(content_type)
    assert error is not None
    assert (error.status, error.detail) == (400, f"the Content-Type must be application/json, not {named}")


def test_the_limit_is_told() -> None:
    assert too_large(1024) == ApiError(400, "the body is larger than 1024 bytes")

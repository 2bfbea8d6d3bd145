"""What a user writes becomes a setting, or an error that says what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from evolink_mock.domain.units import Rate, Speed, parse_duration, parse_rate, parse_speed
from evolink_mock.recipes.sources import parse_sources
from evolink_mock.setting_values import parse_public_url
from evolink_mock.settings import Settings, check
from hypothesis import given
from hypothesis import strategies as st
from support.builders import MODEL, OLD_MODEL, SPEC

if TYPE_CHECKING:
    from collections.abc import Callable

IS_URI = jsonschema_rs.Draft202012Validator({"format": "uri"}, validate_formats=True).is_valid
LIKELY = st.text(st.sampled_from("0159.smh /perinutdayo"), max_size=12) | st.text(max_size=5)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5s", 5),
        ("500ms", 0.5),
        ("2m", 120),
        ("1.5h", 5400),
        ("5", 5),
        (" 5 S ", 5),
        ("1ms", 0.001),
        ("366h", 1_317_600),
    ],
)
def test_a_duration_has_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "0",
        "0s",
        "-5s",
        "5d",
        "5 s s",
        "1e3",
        "5,5s",
        ".5s",
        "inf",
        "nan",
        "0.5ms",
        "9000h",
        "9" * 400,
        "5s\n5s",
    ],
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"(?s)invalid duration .*: write 5s, 500ms, 2m or 1h"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "speed"),
    [
        ("5s", Speed(5, 5)),
        ("3s..20s", Speed(3, 20)),
        ("500ms..2m", Speed(0.5, 120)),
        ("3s .. 4s", Speed(3, 4)),
    ],
)
def test_a_speed_is_one_duration_or_a_spread(text: str, speed: Speed) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "..", "5s..", "..5s", "3s...20s", "3s..4s..5s", "3s-20s"])
def test_half_a_spread_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_speed(text)


def test_a_spread_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match=r"invalid range '20s\.\.3s': it ends before it begins"):
        parse_speed("20s..3s")


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("30/minute", Rate(30, 60)),
        ("1/second", Rate(1, 1)),
        ("100 per hour", Rate(100, 3600)),
        ("5 / Days", Rate(5, 86_400)),
    ],
)
def test_a_rate_is_a_number_and_a_window(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "30", "/minute", "0/minute", "-1/minute", "1.5/minute", "30/m", "30/week", "30minute"]
)
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid rate .*: write 30/minute"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://mock.test", "https://mock.test"),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("https://mock.test/below/it/", "https://mock.test/below/it"),
        ("https://[::1]:9000", "https://[::1]:9000"),
        ("https://mock.test/a%20b", "https://mock.test/a%20b"),
    ],
)
def test_a_public_url_ends_without_a_slash(text: str, url: str) -> None:
    assert parse_public_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "mock.test",
            "ftp://mock.test",
            "https://",
            "https:///x",
            "https://u:p@mock.test",
            "https://a?x",
        ),
        *("https://a#x", "https://a/a b", "https://a/ä", "https://a/%zz", "https://[::g]", "https://a:port"),
        *('https://mo"ck', "https://a/<x>", "https://mock\n.test", "https://mock.test\n"),
    ],
)
def test_what_could_not_begin_a_link_is_no_public_url(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid public URL|expected HOST or HOST:PORT"):
        parse_public_url(text)


@given(st.text(st.sampled_from("ab.:/[]%2f@?# \\"), max_size=12).map("https://".__add__))
def test_a_public_url_that_is_accepted_makes_uris(text: str) -> None:
    try:
        url = parse_public_url(text)
    except ValueError:
        return
    assert IS_URI(f"{url}/media/x.mp4")


@pytest.mark.parametrize("parse", [parse_duration, parse_speed, parse_rate, parse_public_url])
@given(text=LIKELY)
def test_any_text_is_read_or_refused(parse: Callable[[str], Any], text: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        assert repr(text)[1:-1] in str(error) or ".." in text  # noqa: PT017  (what is refused is named)


def test_settings_that_can_have_their_effect_are_fine() -> None:
    check(Settings(), SPEC)
    check(
        Settings(
            tokens=frozenset(("sk-key", "a.b_c/d=", "sk-a~b")),
            denied_models=frozenset((MODEL,)),
            allow_callbacks_to=("localhost:9000", "[::1]"),
        ),
        SPEC,
    )


def test_a_denied_model_that_is_not_served_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        ValueError, match=rf"^--deny-model: {OLD_MODEL!r} is not served \(did you mean {MODEL}\?\)$"
    ):
        check(Settings(denied_models=frozenset((OLD_MODEL,))), SPEC)


def test_a_host_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected HOST or HOST:PORT"):
        check(Settings(allow_callbacks_to=("http://localhost/",)), SPEC)


@pytest.mark.parametrize("token", ["", " ", "two words", "clé", "a\tb"])
def test_a_token_that_no_request_could_carry_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ValueError, match="--token") as caught:
        check(Settings(tokens=frozenset((token,))), SPEC)
    assert not token.strip() or token not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("off", "off"),
        (" OFF ", "off"),
        ("header", "header"),
        ("token, Header", "header,token"),
        ("header,prompt,assigned,token", "header,prompt,assigned,token"),
        ("prompt,prompt", "prompt"),
    ],
)
def test_sources_of_recipes_are_a_list_or_off(text: str, sources: str) -> None:
    assert parse_sources(text) == sources


@pytest.mark.parametrize("text", ["", "on", "header,", "headers", "off,header", "header token"])
def test_invalid_sources_of_recipes_are_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid sources of recipes .*header,prompt,assigned,token"):
        parse_sources(text)

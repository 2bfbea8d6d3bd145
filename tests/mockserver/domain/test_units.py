"""Durations, speeds and rates as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.domain.units import Rate, Speed, parse_duration, parse_rate, parse_speed
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

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
def test_an_invalid_duration_is_refused_with_an_example(text: str) -> None:
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
def test_a_speed_is_one_duration_or_a_range(text: str, speed: Speed) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "..", "5s..", "..5s", "3s...20s", "3s..4s..5s", "3s-20s"])
def test_half_a_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_speed(text)


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
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
def test_an_invalid_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid rate .*: write 30/minute"):
        parse_rate(text)


@pytest.mark.parametrize("parse", [parse_duration, parse_speed, parse_rate])
@given(text=LIKELY)
def test_any_text_is_parsed_or_refused(parse: Callable[[str], Any], text: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        assert repr(text)[1:-1] in str(error) or ".." in text  # noqa: PT017  (what is refused is named)

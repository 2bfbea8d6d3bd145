"""`Retry-After`: what is valid, how long it asks to wait, and that no value breaks a reader."""

from __future__ import annotations

import pytest
from evolink_check.traffic.retry_after import LONGEST, http_date, is_retry_after, seconds_to_wait
from hypothesis import example, given
from hypothesis import strategies as st

DATE, AT = "Sat, 06 Sep 2025 14:42:23 GMT", 1_757_169_743.0


@pytest.mark.parametrize("value", ["0", " 7 ", "120", "9" * 400, DATE, "Saturday, 06-Sep-25 14:42:23 GMT"])
def test_whole_seconds_and_dates_are_valid(value: str) -> None:
    assert is_retry_after(value)


@pytest.mark.parametrize("value", ["", "soon", "1.5", "-1", "+1", "1e3", "٣", "5 s", "0x10"])
def test_anything_else_is_not_valid(value: str) -> None:
    assert not is_retry_after(value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0.0), (" 7 ", 7.0), ("007", 7.0), ("1.5", 1.5), (DATE, 10.0), ("9" * 9, 999_999_999.0)],
)
def test_a_reader_waits_as_long_as_it_says(value: str, seconds: float) -> None:
    assert seconds_to_wait(value, AT - 10.0) == seconds


def test_a_date_in_the_past_asks_for_no_wait() -> None:
    assert seconds_to_wait(DATE, AT + 50.0) == 0.0


@pytest.mark.parametrize("value", ["9" * 10, "9" * 5000, "9" * 400 + ".5", "Sat, 06 Sep 9999 14:42:23 GMT"])
def test_a_huge_value_is_the_longest_wait(value: str) -> None:
    assert seconds_to_wait(value, AT) == LONGEST


@pytest.mark.parametrize(
    "year", ["10000", "99999", "2147483648", "9" * 19, "9" * 40, "9" * 5000, "0000", "-1"]
)
def test_a_year_out_of_range_is_no_date(year: str) -> None:
    assert http_date(f"Sat, 06 Sep {year} 14:42:23 GMT") is None or len(year) <= 4


@given(st.text(max_size=80))
@example("Sat, 06 Sep 99999999999999 14:42:23 GMT")
@example("Sat, 06 Sep 2025 99:99:99 +9999999999")
def test_no_text_breaks_a_reader(text: str) -> None:
    waits = seconds_to_wait(text, AT)
    assert waits is None or 0.0 <= waits <= LONGEST
    assert is_retry_after(text) in {True, False}

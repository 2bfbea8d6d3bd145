"""URLs of one server in several spellings."""

from __future__ import annotations

import pytest
from evolink_check.traffic.urls import normalized_url
from hypothesis import example, given
from hypothesis import strategies as st

PLAIN = "https://api.evolink.ai/v1/tasks/A?B=C#D"


@pytest.mark.parametrize(
    "origin",
    [
        "https://api.evolink.ai:443",
        "https://API.evolink.ai",
        "HTTPS://api.Evolink.ai",
        "https://api.evolink.ai.",
        "https://api.evolink.ai.:443",
        "https://api.evolink.ai:",
        "https://user:Pass@api.evolink.ai",
        "https://api.evolink.ai",
    ],
)
def test_spellings_of_one_server_become_equal(origin: str) -> None:
    assert normalized_url(f"{origin}/v1/tasks/A?B=C#D") == PLAIN


@pytest.mark.parametrize(
    "url",
    [
        "http://api.evolink.ai:443/",
        "https://api.evolink.ai:80",
        "https://[::1]:8443/?",
        "https://host/#",
        "/v1/credits?a=B",
        "",
        "ftp://HOST:21/",
    ],
)
def test_any_other_url_is_unchanged(url: str) -> None:
    assert normalized_url(url) == url


@example("http://host../")
@given(st.from_regex(r"https?://[A-Za-z0-9.-]{1,20}(:[0-9]{1,4})?/[!-~]{0,30}", fullmatch=True))
def test_a_normalized_url_stays_as_it_is(url: str) -> None:
    assert normalized_url(normalized_url(url)) == normalized_url(url)

"""Each notation means the address that it was made of."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from evolink_check.analysis.internal_hosts import host_of, is_internal, is_plainly_public, v4_of
from evolink_check.generation.urls import (
    INTERNAL,
    NOT_URIS,
    NOWHERE,
    OTHER_SCHEMES,
    PUBLIC,
    WITH_SPACES,
    disguised_urls,
    internal_hosts,
    long_url,
    url_notations,
)
from evolink_check.traffic.formats import is_uri
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_every_notation_of_an_address_is_read_as_that_address(address: IPv4Address) -> None:
    found = list(url_notations(str(address)))
    assert found[0] == str(address)
    plain = [host for host in found if not host.startswith("[")]
    assert {v4_of(host_of(f"https://{host}/")) for host in plain} == {address}
    assert len(plain) == 11
    assert len(found) == 14


@pytest.mark.parametrize("host", internal_hosts())
def test_every_internal_host_is_one_in_every_disguise(host: str) -> None:
    urls = list(disguised_urls(host))
    assert len(set(urls)) == 8
    for url in urls:
        assert is_uri(url)
        assert is_internal(url)


def test_the_documented_ranges_are_there_to_their_ends() -> None:
    assert {"127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.0.1"} <= set(INTERNAL)
    few = internal_hosts(("127.0.0.1",))
    assert set(INTERNAL) <= set(few)
    assert "2130706433" in few
    assert "167772161" not in few
    assert "167772161" in internal_hosts()


def test_what_is_public_is_no_internal_host() -> None:
    assert is_plainly_public(PUBLIC)
    assert is_plainly_public(NOWHERE)


@given(st.integers(len(PUBLIC) + 3, 5_000))
def test_a_long_url_is_as_long_as_asked(length: int) -> None:
    url = long_url(length)
    assert len(url) == length
    assert is_uri(url)


def test_other_schemes_are_uris_and_the_rest_are_none() -> None:
    assert all(is_uri(url) and not url.lower().startswith("https://") for url in OTHER_SCHEMES)
    assert not any(is_uri(url) for url in (*NOT_URIS, *WITH_SPACES))

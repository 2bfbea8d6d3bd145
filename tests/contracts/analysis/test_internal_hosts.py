"""Hosts in every notation: what is surely internal, what is plainly public, and what the mock's guard makes of both."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest
from evolink_check.analysis.internal_hosts import host_of, is_internal, is_plainly_public, v4_of
from hypothesis import given
from hypothesis import strategies as st
from support.records.callbacks import url_refusal
from support.records.trace_builders import SPEC

RULES = next(iter(next(iter(SPEC.creates.values())).values())).callback
INSIDE = tuple(
    map(IPv4Network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"))
)

internal_v4 = st.sampled_from(INSIDE).flatmap(
    lambda network: st.integers(int(network[0]), int(network[-1])).map(IPv4Address)
)
public_v4 = st.integers(2**24, 0xDFFF_FFFF).map(IPv4Address).filter(lambda address: address.is_global)


def numbers(value: int) -> st.SearchStrategy[str]:
    """A number as `inet_aton` reads it."""
    return st.sampled_from([str(value), hex(value), f"0X{value:X}", f"0{value:o}", f"0x{value:08x}"])


@st.composite
def spelled(draw: st.DrawFn, addresses: st.SearchStrategy[IPv4Address]) -> tuple[str, IPv4Address]:
    """An IPv4 address as a host, in some notation, with the address."""
    address = draw(addresses)
    parts = [*address.packed]
    kept = draw(st.integers(0, 3))
    last = int.from_bytes(bytes(parts[kept:]), "big")
    texts = [draw(numbers(part)) for part in parts[:kept]]
    return ".".join([*texts, draw(numbers(last))]) + draw(st.sampled_from(["", "."])), address


def v6(address: IPv4Address) -> list[str]:
    mapped = IPv6Address(f"::ffff:{address}")
    return [f"[::ffff:{address}]", f"[{mapped.compressed}]", f"[{mapped.exploded.upper()}]"]


@given(spelled(internal_v4))
def test_an_internal_address_is_internal_in_every_notation(found: tuple[str, IPv4Address]) -> None:
    host, address = found
    assert v4_of(host.removesuffix(".")) == address
    for text in (host, *v6(address)):
        assert is_internal(f"https://{text}/done")
        assert is_internal(f"HTTPS://user:word@{text.upper()}:8443?x=https://example.com")


@given(spelled(public_v4))
def test_a_public_address_is_not_internal_and_not_plainly_public(found: tuple[str, IPv4Address]) -> None:
    host, address = found
    for text in (host, *v6(address)):
        assert not is_internal(f"https://{text}/")
        assert not is_plainly_public(f"https://{text}/")  # a guard may want a name


@given(spelled(internal_v4))
def test_what_is_surely_internal_is_refused_by_the_guard_of_the_mock(found: tuple[str, IPv4Address]) -> None:
    assert RULES is not None
    assert url_refusal(f"https://{found[0]}/", RULES, ())


LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
AUTHORITIES = st.tuples(
    st.sampled_from(["", "", "", "user@", "a:b@"]),
    NAMES,
    st.sampled_from(["", ".", ":443", ":8443", ":22", ":0x"]),
).map("".join)


@given(AUTHORITIES, st.sampled_from(["", "/", "/a?b=c", "?x", "#y"]))
def test_what_is_plainly_public_is_let_pass_by_the_guard_of_the_mock(authority: str, rest: str) -> None:
    assert RULES is not None
    url = f"https://{authority}{rest}"
    if is_plainly_public(url):
        assert url_refusal(url, RULES, ()) is None
    if is_internal(url):
        assert url_refusal(url, RULES, ())


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "api.localhost", "[::1]", "[::]", "[fd00::1]", "[fe80::1]"),
        *("[fe80::1%25eth0]", "0", "0x", "0.0.0.0", "%31%32%37.0.0.1", "%6cocalhost", "localhost:99"),
    ],
)
def test_these_are_internal(host: str) -> None:
    assert is_internal(f"https://{host}/")
    assert not is_plainly_public(f"https://{host}/")


@pytest.mark.parametrize(
    "host",
    [
        *(
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "10.example",
            "[2001:4860::1]",
            "8.8",
        ),
        *("256.1.1.1", "1.2.3.4.5", "09.1.1.1", "127.0.0.1x", "", "[", "[::g]", "notlocalhost", "0x7g.1"),
    ],
)
def test_these_are_not_surely_internal(host: str) -> None:
    assert not is_internal(f"https://{host}/")


@pytest.mark.parametrize(
    "host", ["example.com", "EXAMPLE.COM", "hooks.example.com.", "a-b.c.example:8443", "x.test"]
)
def test_these_are_plainly_public(host: str) -> None:
    assert is_plainly_public(f"https://{host}/hook?secret=1")


@pytest.mark.parametrize(
    "host",
    [
        *(
            "printer.local",
            "db.internal",
            "x.lan",
            "router.home.arpa",
            "intranet",
            "me@example.com",
            "8.8.8.8",
        ),
        *(
            "example.com:22",
            "example.com:x",
            "a_b.example.com",
            "exa%6dple.com",
            "1.2.3.0x7f",
            "a.0x1",
            "a..b.com",
        ),
        *(
            "127.0.0.1.nip.io",
            "app.localtest.me",
            "localhost.example.com",
            "10.example.com",
            "x" * 64 + ".com",
        ),
        *(".".join(["x" * 60] * 5), "täst.de", "[::1"),
    ],
)
def test_of_these_a_careful_guard_may_think_otherwise(host: str) -> None:
    assert not is_plainly_public(f"https://{host}/")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.COM./x", "example.com"),
        ("https://u:p@[::1]:8/x", "::1"),
        ("words", ""),
        ("https://[::1", ""),
        ("https:///x", ""),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host

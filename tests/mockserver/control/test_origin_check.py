"""Who may drive the control API: programs, and pages of the server itself."""

from __future__ import annotations

import pytest
from evolink_mock.control.origin_check import OwnNames, hosts_of, origin_error
from hypothesis import given
from hypothesis import strategies as st

OWN = OwnNames(hosts_of("10.1.2.3", "https://Mock.Example:8443/base"))


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "127.0.0.1:8080",
            "127.9.9.9",
            "localhost",
            "LOCALHOST:1",
            "localhost.",
            "a.localhost:80",
        ),
        *(
            "[::1]",
            "[::1]:8080",
            "10.1.2.3",
            "10.1.2.3:99",
            "mock.example",
            "mock.example:8443",
            "MOCK.example",
        ),
    ],
)
def test_the_server_s_own_names_are_let_in(host: str) -> None:
    assert origin_error({b"host": host.encode()}, OWN) is None


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil.example:8080",
            "10.1.2.4",
        ),
        *("mock.example.evil", "notlocalhost", "a@127.0.0.1", "127.0.0.1/", "[::2]", "[::1", "::1", "0x7f.1"),
    ],
)
def test_a_name_that_only_leads_here_is_refused(host: str) -> None:
    fault = origin_error({b"host": host.encode()}, OWN)
    assert fault is not None
    assert fault.status == 403


@pytest.mark.parametrize(
    ("origin", "let_in"),
    [
        ("http://127.0.0.1:8080", True),
        ("HTTP://127.0.0.1:8080", True),
        ("https://mock.example:8443", True),
        ("http://127.0.0.1:3000", False),
        ("http://127.0.0.1", False),
        ("http://localhost:8080", False),
        ("https://evil.example", False),
        ("http://127.0.0.1:8080.evil.example", False),
        ("http://127.0.0.1:8080@evil.example", False),
        ("null", False),
        ("", False),
        ("file://", False),
    ],
)
def test_a_page_of_another_origin_is_refused(origin: str, let_in: bool) -> None:  # noqa: FBT001
    headers = {b"host": b"127.0.0.1:8080", b"origin": origin.encode()}
    assert (origin_error(headers, OWN) is None) is let_in


@pytest.mark.parametrize(
    ("site", "let_in"), [("none", 1), ("same-origin", 1), ("same-site", 0), ("cross-site", 0)]
)
def test_a_browser_s_own_word_on_the_page_counts(site: str, let_in: int) -> None:
    headers = {b"host": b"127.0.0.1", b"sec-fetch-site": site.encode()}
    assert (origin_error(headers, OWN) is None) is bool(let_in)


def test_who_sends_none_of_it_is_no_browser() -> None:
    assert origin_error({}, OwnNames()) is None


def test_a_wildcard_address_is_nobody_s_name() -> None:
    assert hosts_of("0.0.0.0", "::", None) == frozenset()
    assert hosts_of("LocalHost:9000") == {"localhost", "localhost:9000"}
    assert hosts_of("[::1]:9000") == {"::1", "[::1]:9000"}


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_no_header_breaks_it(host: bytes, origin: bytes) -> None:
    fault = origin_error({b"host": host, b"origin": origin}, OWN)
    assert fault is None or fault.status == 403


@given(st.text(max_size=60))
def test_a_name_below_a_foreign_domain_is_never_ours(name: str) -> None:
    assert not OWN.has(f"{name}.evil.example")


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("evolink-mock:8080", True),
        ("EVOLINK-MOCK", True),
        ("mock.ns.svc.cluster.local:8080", True),
        ("svc.cluster.local", False),
        ("evolink-mock.evil.example", False),
    ],
)
def test_a_host_that_was_allowed_is_accepted_wildcards_too(host: str, *, accepted: bool) -> None:
    own = OwnNames(frozenset(), frozenset({"evolink-mock", "*.svc.cluster.local"}))
    assert (origin_error({b"host": host.lower().encode()}, own) is None) is accepted


def test_the_refusal_of_a_host_says_how_to_allow_it() -> None:
    error = origin_error({b"host": b"evolink-mock:8080"}, OWN)
    assert error is not None
    assert error.detail.endswith("to allow it: --allow-host evolink-mock")


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({}, True),
        ({b"origin": b"http://evolink-mock:8080"}, False),
        ({b"sec-fetch-site": b"same-origin"}, False),
        ({b"sec-fetch-mode": b"cors"}, False),
    ],
)
def test_any_name_will_do_for_a_client_with_a_key_that_is_no_browser(
    headers: dict[bytes, bytes], *, accepted: bool
) -> None:
    host = {b"host": b"evolink-mock:8080"}
    assert (origin_error(host | headers, OWN, trusted=True) is None) is accepted
    assert origin_error(host | headers, OWN) is not None

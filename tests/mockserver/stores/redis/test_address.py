"""The URL of a server: what it means, what is refused, and that no text repeats its password."""

from __future__ import annotations

import re

import pytest
from evolink_mock.setting_values import parse_store
from evolink_mock.stores.redis.address import PREFIX, parse_address


def test_a_host_alone_is_database_0_on_the_usual_port_and_keys_have_the_prefix_of_the_mock() -> None:
    address = parse_address("redis://redis.example")
    assert (address.host, address.port, address.database, address.is_tls) == ("redis.example", 6379, 0, False)
    assert (address.prefix, address.username, address.password) == (PREFIX, None, None)


def test_every_part_of_the_url_counts() -> None:
    address = parse_address("valkeys://me:p%40ss@[::1]:7000/3?prefix=a:&ca=ca.pem&cert=c.pem&key=k.pem")
    assert (address.host, address.port, address.database, address.is_tls) == ("::1", 7000, 3, True)
    assert (address.username, address.password, address.prefix) == ("me", "p@ss", "a:")
    assert address.tls_files == {"ssl_ca_certs": "ca.pem", "ssl_certfile": "c.pem", "ssl_keyfile": "k.pem"}
    assert address.shown == "valkeys://[::1]:7000/3?prefix=a:"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("redis://:secret@", "write redis://HOST"),
        ("redis://:secret@host:x", "write redis://HOST"),
        ("redis://:sec/ret@host", "as %23 %2F %3F %40"),
        ("redis://:secret@host/name", "must be a number"),
        ("redis://:secret@host?prefxi=a", "no option 'prefxi'"),
        ("redis://:secret@host?ca=a", "no option 'ca'"),
        ("postgres://:secret@host", "write memory, sqlite:FILE or redis://HOST"),
    ],
)
def test_what_is_no_such_url_is_refused_without_its_password(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)) as refusal:
        parse_store(text)
    assert "sec" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_no_representation_shows_the_password() -> None:
    assert "secret" not in repr(parse_address("redis://:secret@host"))

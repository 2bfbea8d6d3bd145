from __future__ import annotations

import pytest
from evolink_check.receiver.records import Terms
from evolink_check.receiver.secret import terms_of
from evolink_check.receiver.verdicts.output_rules import judge_output, shows_secret_in_access_log

URL = "https://shop.example/hook"
TERMS = Terms(f"{URL}?secret=s3cret-1234", "s3cret-1234", key="client-key-1234")


@pytest.mark.parametrize(
    ("url", "secret", "expected"),
    [
        (URL, "", (URL, "")),
        (URL, "s3cret", (f"{URL}?secret=s3cret", "s3cret")),
        (URL, "sig=s3cret", (f"{URL}?sig=s3cret", "s3cret")),
        (f"{URL}?a=1&t=s3cret", "s3cret", (f"{URL}?a=1&t=s3cret", "s3cret")),
        (f"{URL}?a=1&t=s3cret", "t=s3cret", (f"{URL}?a=1&t=s3cret", "s3cret")),
        (f"{URL}?tenant=5&token=abc", "", (f"{URL}?tenant=5&token=abc", "abc")),
        (f"{URL}?tenant=5", "", (f"{URL}?tenant=5", "")),
    ],
)
def test_the_secret_is_found_in_the_url_or_added_to_it(
    url: str, secret: str, expected: tuple[str, str]
) -> None:
    terms = terms_of(url, secret)
    assert (terms.url, terms.secret) == expected


def test_without_a_secret_none_can_be_trusted() -> None:
    with pytest.raises(ValueError, match="has no secret"):
        terms_of(URL, trusts_secret=True)


@pytest.mark.parametrize(
    ("output", "leaks"),
    [
        ("booked task-unified-1795357446-9vkpv6h4", False),
        ('127.0.0.1 - - [29/Nov] "POST /hook?secret=s3cret-1234 HTTP/1.1" 200 -', False),
        ('127.0.0.1 - - [29/Nov] "\x1b[33mPOST /hook?secret=s3cret-1234 HTTP/1.1\x1b[0m" 403 -', False),
        ("callback /hook?secret=s3cret-1234", True),
        ("Authorization: Bearer client-key-1234", True),
    ],
)
def test_the_key_and_the_secret_are_found_in_the_output_but_not_in_an_access_log(
    output: str, *, leaks: bool
) -> None:
    ((clause, found),) = judge_output(f"started\n{output}\n", TERMS, ())
    assert (clause, found.passed) == ("receiver.no-leak", not leaks)
    assert shows_secret_in_access_log(output, TERMS) == (" HTTP/" in output)


def test_an_output_that_is_not_seen_proves_nothing() -> None:
    assert list(judge_output(None, TERMS, ())) == []

"""Redaction takes time in proportion to the text: what is eight times as long takes nowhere near 64 times as long.

Backtracking within a regular expression executes no line of Python, so CPU time is compared here, with a wide margin.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from evolink_check.traffic.body_redaction import redact_body
from evolink_check.traffic.credentials import credentials_in
from evolink_check.traffic.formats import is_uri
from evolink_check.traffic.known_keys import KnownKeys
from evolink_check.traffic.placeholders import bearer_key
from evolink_check.traffic.text_redaction import redact_text, redact_url
from evolink_check.traffic.trace import Exchange
from evolink_spec.credentials.names import header_names_secret

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = KnownKeys(f"sk-proj-{number:08}" for number in range(100))
LENGTH, FACTOR = 20_000, 8
PIECES = [
    *(
        '"',
        "\\",
        '\\"',
        '""',
        "/",
        "//",
        "%2f",
        "\\u002f",
        "?",
        "@",
        "%",
        " ",
        "a",
        "x",
        "-",
        "=",
        "&",
        "\n",
        "[",
    ),
    *(
        "eyJaaaaaaaa-",
        "eyJaaaaaaaa.",
        "bearer ",
        "bearer aaaaaaaaaaaa",
        "sk-",
        "sk-proj-",
        "token",
        "token=",
        "token: ",
    ),
    *(
        '"a":',
        '"token": "aaaaaaaa",',
        "https://a@",
        "--\r\n",
        'Content-Disposition: form-data; name="a"\r\n',
        'name="',
    ),
]


def sent_in(text: str) -> set[str]:
    headers = (("X-Auth", text), ("Cookie", text), ("Authorization", f"Basic {text}"))
    return credentials_in(Exchange("POST", f"/v1/x?{text}", headers, text.encode(), 200, (), b""))


FUNCTIONS: dict[str, Callable[[str], object]] = {
    "body": lambda text: redact_body(text.encode()),
    "form": lambda text: redact_body(f"form-data {text}".encode()),
    "body with keys": lambda text: redact_body(text.encode(), KEYS),
    "name and strings": lambda text: redact_body(
        b'{"%s": [%s"x//y"]}' % (text.encode(), b'"x//y",' * len(text))
    ),
    "text": redact_text,
    "url": redact_url,
    "uri": lambda text: is_uri(f"http://{text}\n"),
    "key": lambda text: bearer_key(f"Bearer {text}"),
    "name": header_names_secret,
    "credentials": sent_in,
}


def seconds(function: Callable[[str], object], text: str) -> float:
    times = []
    for _ in range(2):
        started = time.process_time()
        function(text)
        times.append(time.process_time() - started)
    return min(times)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_long_run_takes_time_in_proportion_to_its_length(name: str) -> None:
    function = FUNCTIONS[name]
    length = LENGTH // 20 if "strings" in name else LENGTH
    for piece in PIECES:
        short = piece * (length // len(piece))
        margin = 0.05  # seconds, for what does not grow
        assert seconds(function, short * FACTOR) <= 4 * FACTOR * seconds(function, short) + margin, piece

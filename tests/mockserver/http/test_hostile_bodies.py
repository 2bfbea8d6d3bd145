"""Whatever stands in a body: a clear 400 or the task, never a 500, never a hang."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.mocks.in_process import BODY, CREATE, shaped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from support.mocks.in_process import Mock

GOOD = json.dumps(BODY)
MB = 1024 * 1024


def having(member: str) -> bytes:
    """The good body with one member more, written as it is."""
    return f"{GOOD[:-1]}, {member}}}".encode()


REFUSED = {
    "nothing": (b"", "it is empty"),
    "white space": (b" \n", "it is empty"),
    "a list": (b"[]", "not of type object"),
    "null": (b"null", "not of type object"),
    "half a body": (GOOD[:-1].encode(), "not valid JSON"),
    "something behind it": (GOOD.encode() + b"}", "not valid JSON"),
    "a comment": (b"/* */" + GOOD.encode(), "not valid JSON"),
    "single quotes": (GOOD.replace('"', "'").encode(), "not valid JSON"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD.encode(), "not valid JSON"),
    "UTF-16": (GOOD.encode("utf-16"), "not valid JSON"),
    "Latin-1": (having('"x": "\xe9"').decode().encode("latin-1"), "UTF-8"),
    "a control character": (having('"x": "\0"'), "not valid JSON"),
    "NaN": (having('"x": NaN'), "NaN is not a JSON number"),
    "Infinity": (having('"x": Infinity'), "Infinity is not a JSON number"),
    "minus Infinity": (having('"x": [-Infinity]'), "Infinity is not a JSON number"),
    "1e400": (having('"x": 1e400'), "out of range"),
    "a huge duration": (having('"duration": 1e308'), "is not one of 6, 10"),
    "a long duration": (having(f'"duration": {10**30}'), "is not one of 6, 10"),
    "a lone surrogate": (having('"x": "\\ud800"'), "surrogate"),
    "a lone surrogate as a name": (having('"\\udc00": 1'), "surrogate"),
    "a list 10,000 deep": (b"[" * 10_000 + b"]" * 10_000, "nested too deeply"),
    "an object 10,000 deep": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested too deeply"),
    "an unknown field 10,000 deep": (having(f'"x": {"[" * 10_000}{"]" * 10_000}'), "nested too deeply"),
    "a prompt 10,000 deep": (having(f'"prompt": {"[" * 10_000}{"]" * 10_000}'), "nested too deeply"),
    "a million open brackets": (b"[" * MB, "nested too deeply"),
    "20 MB of prompt": (having(f'"prompt": "{"x" * 20 * MB}"'), f"larger than {10 * MB} bytes"),
    "the wrong model last": (having('"model": "x"'), '"x" is not one of'),
}
ACCEPTED = {
    "the right model last": f'{{"model": "x", {GOOD[1:]}'.encode(),
    "a pair of surrogates": having('"x": "\\ud83d\\ude00"'),
    "an escaped zero": having('"prompt": "\\u0000"'),
    "a number of 400 digits": having(f'"x": {"9" * 400}'),
    "a tiny number": having('"x": 1e-400'),
    "an unknown field 100 deep": having(f'"x": {"[" * 100}{"]" * 100}'),
    "ten thousand unknown fields": having(", ".join(f'"x{n}": {n}' for n in range(10_000))),
    "an empty name": having('"": 1'),
    "9 MB of prompt": having(f'"prompt": "{"x" * 9 * MB}"'),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_body_gets_a_400_that_says_why(mock: Mock, name: str) -> None:
    raw, reason = REFUSED[name]
    answer = mock.post(raw)
    assert answer.status_code == 400
    error = shaped(answer)
    assert error["message"].startswith("Invalid request parameters: ")
    assert reason in error["message"]
    assert len(answer.content) < 500


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_odd_but_valid_body_gets_its_task(mock: Mock, name: str) -> None:
    answer = mock.post(ACCEPTED[name])
    assert answer.status_code == 200, answer.text
    assert len(str(mock.noted[-1].notes)) < 500


def test_a_raised_limit_lets_20_mb_of_prompt_pass(start: Callable[..., Mock]) -> None:
    assert start(max_body=32 * MB).post(REFUSED["20 MB of prompt"][0]).status_code == 200


def test_the_limit_itself_is_allowed(start: Callable[..., Mock]) -> None:
    limited = start(max_body=len(GOOD))
    assert limited.post(GOOD.encode()).status_code == 200
    assert limited.post(f"{GOOD} ".encode()).status_code == 400


def test_a_body_without_length_is_cut_off_at_the_limit(start: Callable[..., Mock]) -> None:
    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 100:
            read += 1
            yield b" " * 1000

    answer = start(max_body=10_000).ask(
        "POST", CREATE, content=chunks(), headers={"content-type": "application/json"}
    )
    assert "larger than 10000 bytes" in shaped(answer)["message"]
    assert read <= 12


def test_a_body_in_pieces_is_one_body(mock: Mock) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(GOOD), 7):
            yield GOOD[at : at + 7].encode()

    answer = mock.ask("POST", CREATE, content=pieces(), headers={"content-type": "application/json"})
    assert answer.status_code == 200

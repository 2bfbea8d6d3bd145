"""How an end is read: a crash, words of its own, a whole file."""

from __future__ import annotations

import pytest
from evolink_check.client.harness.outcome import Outcome, describe_crash, is_whole_mp4

TRACEBACK = """evolink: created task-unified-1
Traceback (most recent call last):
  File "client.py", line 3, in <module>
    print(answer["id"])
          ~~~~~~^^^^^^
KeyError: 'id'
"""
NODE = """file:///client.mjs:3
console.log(answer.id.length);
                      ^

TypeError: Cannot read properties of undefined (reading 'length')
    at file:///client.mjs:3:23

Node.js v20.11.0
"""
CHAINED = TRACEBACK + "\nDuring handling of the above exception, another exception occurred:\n\n" + TRACEBACK


def ended(errors: str = "", status: int | None = 1, end: str = "failure") -> Outcome:
    return Outcome(end, 0.0, 1.0, status, "", errors)  # type: ignore[arg-type]  # a word of `End`


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (ended(TRACEBACK), "KeyError: 'id'"),
        (ended(CHAINED), "KeyError: 'id'"),
        (ended(NODE), "TypeError: Cannot read properties"),
        (ended("panic: runtime error: index out of range\n", 2), "panic"),
        (ended("client.sh: line 7: id: unbound variable\n"), "unbound variable"),
        (ended(status=-11), "SIGSEGV"),
        (ended(status=134), "SIGABRT"),
    ],
)
def test_a_crash_is_known(outcome: Outcome, words: str) -> None:
    assert words in describe_crash(outcome)


@pytest.mark.parametrize(
    "outcome",
    [
        ended("evolink: insufficient_quota: top up\n"),
        ended(TRACEBACK + "evolink: gave up: something went wrong\n"),
        ended(TRACEBACK, 0, "success"),
        ended(TRACEBACK, None, "killed"),
        ended(status=-15),
        ended(status=3),
    ],
)
def test_an_end_in_words_of_its_own_is_no_crash(outcome: Outcome) -> None:
    assert describe_crash(outcome) == ""


def box(kind: bytes, size: int = 16) -> bytes:
    return size.to_bytes(4) + kind + bytes(size - 8)


@pytest.mark.parametrize(
    ("content", "is_whole"),
    [
        (box(b"ftyp") + box(b"mdat", 100), True),
        (box(b"ftyp") + (1).to_bytes(4) + b"mdat" + (24).to_bytes(8) + bytes(8), True),
        (box(b"ftyp") + (0).to_bytes(4) + b"mdat" + bytes(50), True),
        (box(b"ftyp") + box(b"mdat", 100)[:-1], False),
        (box(b"ftyp") + (3).to_bytes(4) + b"mdat", False),
        (b'{"error":{}}', False),
        (b"<html></html>", False),
        (b"\x89PNG\r\n", True),
        (b"", False),
    ],
)
def test_a_video_is_whole_when_all_of_its_boxes_are(content: bytes, *, is_whole: bool) -> None:
    assert is_whole_mp4(content) is is_whole

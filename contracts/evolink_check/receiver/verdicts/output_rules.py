"""Rules that find credentials in the receiver's output and responses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import finding, violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evolink_check.receiver.records import Call, Terms
    from evolink_check.receiver.verdicts.case_view import Judged

_KEYS = "the API key"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # colour codes of a terminal


def judge_output(output: str | None, terms: Terms, replies: Iterable[tuple[int, Call]]) -> Iterator[Judged]:
    """Judge whether the output or a response shows the receiver's credentials.

    The output must contain no API key and no secret of the callback URL. The responses must not contain the API key. If
    `output` is None, the output is not judged.
    """
    if output is not None:
        lines = output.splitlines()
        leaks = [_KEYS] if terms.key and terms.key in output else []
        leaks += (
            ["the secret of the callback URL"] if any(_leaks(line, terms.secret) for line in lines) else []
        )
        seen = f"{' and '.join(leaks)} in its output"
        yield "receiver.no-leak", finding(not leaks, expected="no secret in the output", seen=seen)
    for number, call in replies:
        content = (call.reply.body, *(value.encode() for _, value in call.reply.headers))
        if terms.key and any(terms.key.encode() in part for part in content):
            seen = f"{_KEYS} in its answer"
            yield "receiver.no-leak", violation(number, expected="no secret in an answer", seen=seen)
            return


def _leaks(line: str, secret: str) -> bool:
    # A secret in an access log leads to a note, not to a violation.
    return bool(secret) and secret in line and not is_access_log(line)


def shows_secret_in_access_log(output: str | None, terms: Terms) -> bool:
    """Return whether an access log in the output shows the secret."""
    if not output or not terms.secret:
        return False
    return any(terms.secret in line and is_access_log(line) for line in output.splitlines())


def is_access_log(line: str) -> bool:
    """Return whether a line looks like a line of a server's access log."""
    plain = _COLOURS.sub("", line)
    return '"POST ' in plain and " HTTP/" in plain

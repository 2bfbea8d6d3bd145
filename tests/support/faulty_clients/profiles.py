"""What a client does at each turn: a record in which each fault changes one thing. Only of what Python brings along."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# In the place of a status: how an answer was lost, or the id in it.
UNSENT, DROPPED, CUT, PAGE, WITHOUT_ID = -1, -2, -3, -4, -5
NEVER = float("inf")


def bearer(key: str) -> dict[str, str]:
    """The key where it belongs."""
    return {"Authorization": f"Bearer {key}"}


def code_and_message(code: str, message: str) -> str:
    """The message for the user after a refusal or a failure."""
    return f"{code}: {message}"


def is_whole(status: int, content: bytes) -> bool:
    """Whether an MP4 is all there: it is a row of boxes, each of which begins with its length."""
    at, size = 0, len(content)
    while status == 200 and at < size:
        at += int.from_bytes(content[at : at + 4]) or size
    return at == size > 0


def json_or_none(content: bytes) -> Any:
    """The JSON value of a body; None for what is none."""
    try:
        return json.loads(content)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Manner:
    """How a client behaves. The usual manner is right; times are seconds."""

    # What it sends
    base: Callable[[str], str] = str  # the API's address, made from the given one
    path: Callable[[str, str], str] = lambda path, _key: path
    authorization: Callable[[str], dict[str, str]] = bearer
    content_type: str = "application/json"
    order: Callable[[dict[str, Any], str], dict[str, Any]] = lambda body, _key: body
    query_key: Callable[[str], str] = str
    follows_redirects: bool = False  # with the key, to any host
    # What it sends again, and when
    create_again: frozenset[int] = frozenset({UNSENT, 500})  # those after which there surely is no task
    query_again: frozenset[int] = frozenset({UNSENT, DROPPED, CUT, PAGE, 429, 500, 502, 503, 504})
    tries: int = 3  # again; a query two more
    create_pause: Callable[[int], float] = lambda failures: 0.4 * 2**failures
    query_pause: Callable[[int, float], float] = lambda failures, interval: interval * 2**failures
    create_heeds: Callable[[float], float] = float  # the wait of what Retry-After says
    query_heeds: Callable[[float], float] = float
    creates_after: Mapping[str, float] = field(default_factory=dict)  # a failed task: code, wait
    # What it reads
    decodes: Callable[[bytes], Any] = json_or_none
    timeout: float = 15.0  # of a request
    reads_wait: Callable[[str], object] = str  # of the Retry-After of an answer
    link_of: Callable[[Any], object] = str  # of the results, before they are looked at
    reads_error: Callable[[dict[str, Any]], object] = len  # of the error of a refusal or of a failed task
    reads: Callable[[dict[str, Any]], object] = len  # of each good answer
    id_of: Callable[[dict[str, Any]], Any] = lambda body: body.get("id")
    asks_for: Callable[[str], str] = str  # the id in the query, of the one that it was given
    # How it follows a task
    follows: bool = True
    interval: Callable[[float], float] = float
    deadline: Callable[[float], float] = float
    ends: frozenset[str] = frozenset({"completed", "failed"})
    goes_on: Mapping[str, int] = field(default_factory=dict)  # the status at the end, queries after it
    # What it makes of the end
    announces: Callable[[str], str] = lambda _key: ""  # at the start, with the key
    is_silent: bool = False
    successes: frozenset[object] = frozenset({"completed"})  # statuses of tasks and of HTTP
    guesses: bool = False  # the link of a failed task
    says: Callable[[str, str], str] = code_and_message
    exit_status: Callable[[int], int] = int
    # How it fetches the result
    fetches: bool = True
    link: Callable[[str, str], str] = lambda link, _key: link
    link_headers: Callable[[str], dict[str, str]] = lambda _key: {}
    is_saved: Callable[[int, bytes], bool] = is_whole
    # How it is called back
    thanks: Callable[[int], int] = lambda _number: 204  # the answer to its first, second … call
    thinks: Callable[[int], float] = lambda _number: 0.0  # before that
    works_first: bool = False  # before it answers, that is
    trusts: bool = False
    stays: float = 0.0  # for another call, when all is done
    fetches_again: bool = False  # when that comes
    falls_back: bool = True


HONEST = Manner()

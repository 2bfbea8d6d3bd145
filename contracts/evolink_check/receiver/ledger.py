"""Read the ledger of a receiver: the list of its booked tasks.

To book a finished task, the receiver writes an entry with the task id. The ledger is a file, a URL, the receiver's
output or a function. An entry is a line of text or CSV, or a JSON value. In an SQLite database, each row is an entry.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from evolink_check.receiver.records import Booking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from evolink_check.receiver.records import Outcome

_SQLITE = b"SQLite format 3\0"
_TASK = re.compile(r"task-unified-[0-9]{10}-[a-z0-9]{8}")
_STATUS = re.compile(
    r"""\b(?:status|state|outcome|result|event|action)["']?\s*[:=]\s*["']?(\w+)""", re.IGNORECASE
)
_NULL = re.compile(r"""["']\w+["']\s*:\s*null""")
_IGNORED = re.compile(
    r"ignor|reject|refus|duplicat|forge|denied|den(y|ies)|unknown|skip|invalid|unconfirmed|not.found|mismatch"
    r"|already|untrusted|drop|pending|processing|queued|received|waiting|retry",
    re.IGNORECASE,
)
_FAILURE = re.compile(r"fail|error|refund|cancel|abort", re.IGNORECASE)
_SUCCESS = re.compile(r"complet|succe|done|paid|\bok\b|deliver|ready|finish|book|\bhttps?\b", re.IGNORECASE)


class LedgerError(ValueError):
    """The ledger cannot be read. The message is the reason."""


class Ledger:
    """The list of the tasks that a receiver has booked.

    `read` returns the content of the ledger as bytes, a text or JSON values. If the receiver writes no ledger, `read`
    returns None. If `pattern` is set, each entry that matches `pattern` counts as the booking of a successful task.
    Each entry that does not match `pattern` is ignored.
    """

    def __init__(self, read: Callable[[], Any], pattern: str = "") -> None:
        self._read = read
        self._pattern = re.compile(pattern) if pattern else None

    def bookings(self) -> dict[str, tuple[Booking, ...]] | None:
        """Return the entries about finished tasks, by task id.

        Each call reads the ledger again. Returns None if the receiver writes no ledger. Raises `LedgerError` if the
        ledger cannot be read.
        """
        content = self._read()
        if content is None:
            return None
        by_task: dict[str, list[Booking]] = {}
        for text in entries_of(content):
            outcome = self._outcome(text)
            if outcome is None:
                continue
            for task_id in dict.fromkeys(_TASK.findall(text)):
                by_task.setdefault(task_id, []).append(Booking(text, outcome))
        return {task_id: tuple(bookings) for task_id, bookings in by_task.items()}

    def _outcome(self, text: str) -> Outcome | None:
        if self._pattern is not None:
            return "success" if self._pattern.search(text) else None
        return outcome_of(text)


def outcome_of(text: str) -> Outcome | None:
    """Return how a task ended according to a ledger entry, such as `task-… paid`.

    Returns "unclear" if the entry names no outcome. Returns None if the entry is not a booking.
    An example of such an entry is `task-… ignored`.
    """
    words = " ".join(_STATUS.findall(text)) or _NULL.sub("", _TASK.sub("", text))
    if _IGNORED.search(words):
        return None
    if _FAILURE.search(words):
        return "failure"
    return "success" if _SUCCESS.search(words) else "unclear"


def entries_of(content: Any) -> Iterator[str]:
    """Yield the entries of a ledger that contain a task id, as texts."""
    if isinstance(content, bytes):
        content = content.decode("utf-8", "replace")
    if isinstance(content, str):
        content = _parsed(content)
    for entry in _entries(content):
        yield entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False, default=str)


def _parsed(text: str) -> Any:
    document = _json(text)
    if document is not None:
        return document
    return [line if (value := _json(line)) is None else value for line in text.splitlines()]


def _json(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _entries(value: Any) -> Iterator[Any]:
    # Yield the entries with a task id in a nested JSON value.
    if isinstance(value, str):
        if _TASK.search(value):
            yield value
    elif isinstance(value, dict):
        yield from _entries_of_object(value)
    elif isinstance(value, list | tuple):
        # A list of a task id and values is one entry. In a list of task ids, each task id is an entry.
        if any(isinstance(item, str) and _TASK.fullmatch(item) for item in value) and not _only_ids(value):
            yield list(value)  # a row of a table
        else:
            for item in value:
                yield from _entries(item)


def _entries_of_object(value: dict[Any, Any]) -> Iterator[Any]:
    # An object is one entry if the value of a member contains a task id. A member is an entry if its name contains a
    # task id.
    if any(isinstance(member, str) and _TASK.search(member) for member in value.values()):
        yield value
        return
    for name, member in value.items():
        if not _TASK.search(str(name)):
            yield from _entries(member)
        elif isinstance(member, list) and all(isinstance(item, dict) for item in member):
            yield from ({name: item} for item in member)
        else:
            yield {name: member}


def _only_ids(values: Iterable[Any]) -> bool:
    return all(isinstance(item, str) and _TASK.fullmatch(item) for item in values)


def file_reader(path: Path) -> Callable[[], Any]:
    """Return a function that reads a file.

    If the file is missing, the ledger is empty. Of an SQLite database, the function returns the rows of all tables.
    """

    def read() -> Any:
        try:
            content = path.read_bytes() if path.exists() else b""
            return _rows(path) if content.startswith(_SQLITE) else content
        except OSError as error:
            raise LedgerError(f"{path}: cannot be read: {error.strerror}") from error
        except sqlite3.Error as error:
            raise LedgerError(f"{path}: cannot be read as an SQLite database: {error}") from error

    return read


def _rows(path: Path) -> list[str]:
    # This connection also reads the rows that are still in the write-ahead log.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        quoted = ['"{}"'.format(name.replace('"', '""')) for name in names]
        selects = [f"SELECT * FROM {name}" for name in quoted]  # noqa: S608  (tables in the user's file)
        return [" ".join(map(str, row)) for select in selects for row in database.execute(select)]


def url_reader(url: str) -> Callable[[], bytes]:
    """Return a function that reads a ledger from this URL."""

    def read() -> bytes:
        import httpx2

        try:
            answer = httpx2.get(url, timeout=10.0, trust_env=False).raise_for_status()
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise LedgerError(f"the ledger at {url} cannot be read: {error}") from error
        return answer.content

    return read

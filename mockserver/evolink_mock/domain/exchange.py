"""Exchanges (requests to the mock with their responses), and the journals that store them."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from msgspec import MsgspecError, Struct
from msgspec.json import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SCOPE_KEY = "evolink_mock.exchange"  # the key of the exchange in the ASGI scope
KEPT = 65_536  # maximum bytes of a request body that are recorded
WARNING = "warning: "  # prefix of the note on an accepted request that is probably a mistake
JOURNAL = 200  # maximum number of exchanges of an account
JOURNAL_BYTES = 4 * 1024 * 1024  # maximum bytes of an account's exchanges
ALL_JOURNALS_BYTES = 256 * 1024 * 1024  # maximum bytes of the exchanges of all accounts
VIOLATIONS = 1000  # maximum number of violations of an account, stored separately from the exchanges
_RECORD = 1000  # approximate bytes of an exchange without its texts
_NOT_OWN = {"invalid_task_id", "task_not_found", "permission_denied"}  # documented errors of a status query


class Recorder(Protocol):
    """Records exchanges and violations of the contract in the journal of an account."""

    label: str  # the label of the account

    def append(self, exchange: Exchange) -> None:
        """Record a completed exchange."""
        ...

    def add_violations(self, violations: Iterable[Violation]) -> None:
        """Record the violations of one request."""
        ...


class Exchange(Struct, gc=False):
    """A request to the mock and its response.

    The access log shows no tokens, query strings or bodies.
    """

    method: str
    path: str
    began: float  # when the request arrived, in seconds from an arbitrary start (function `stopwatch`)
    status: int = 0  # 0 if no response was sent
    account: str = ""  # the label of the account
    task_id: str = ""
    notes: tuple[str, ...] = ()  # remarks for the access log, such as the reason of an error response
    query: bytes = b""  # the query string of the URL
    scheme: str = "http"
    request_headers: Sequence[tuple[bytes, bytes]] = ()
    request_body: bytes = b""  # at most its first 65,536 bytes
    at: float = 0.0  # when the request arrived, in Unix seconds of the account's clock
    seconds: float = 0.0  # real time from the request to the end of the response
    answer_headers: Sequence[tuple[bytes, bytes]] = ()
    answer_body: bytes = b""  # empty if the response contains a result file
    is_unmatched: bool = False  # whether no documented operation has this path and method
    size: int = 0  # approximate size in bytes, set when a journal records the exchange
    # The account's journal. None after the journal has recorded the exchange: the journal refers to the exchange, and
    # the garbage collector would never free the cycle (`gc=False`).
    journal: Recorder | None = None
    decided: int = 0  # status before a network fault replaced or delayed the response; 0 without a fault

    def __repr__(self) -> str:
        """Return a text for logs and tracebacks, without credentials and bodies."""
        return (
            f"<Exchange {self.method} {self.path} {self.status} account={self.account} task={self.task_id}>"
        )


class Violation(Struct, frozen=True):
    """A violation of the contract by a request."""

    at: float  # when the request arrived, in Unix seconds of the account's clock
    method: str
    path: str
    status: int  # of the response
    text: str  # how the request violates the contract
    # Set if the response stated that the account has no task with this id. A recipe can also request this response for
    # a task of the account. The control API does not list the violation in this case.
    task_id: str = ""


class JournalSpace:
    """A limit on the total size of several journals, in bytes.

    The constructor of a journal or the method `move_to` adds the journal to a space. While the limit is exceeded, the
    exchanges of the least recently used journal are removed.
    """

    def __init__(self, limit: int = ALL_JOURNALS_BYTES) -> None:
        self._limit = limit
        self._bytes = 0
        self._idle: dict[Journal, None] = {}  # journals with exchanges, the least recently used first
        self._latest: Journal | None = None  # the last journal in `_idle`

    def add(self, journal: Journal, size: int) -> None:
        """Add `size` bytes to the total size. `size` is negative if the journal has removed exchanges."""
        self._bytes += size
        if journal is not self._latest:
            self._idle.pop(journal, None)
            if journal:
                self._idle[journal] = None
                self._latest = journal
        elif size < 0 and not journal:
            self._forget(journal)
        while self._bytes > self._limit and len(self._idle) > 1:
            next(iter(self._idle)).drop_exchanges()

    def remove(self, journal: Journal, size: int) -> None:
        """Stop counting a journal, and subtract its `size` from the total size."""
        self._bytes -= size
        self._forget(journal)

    def _forget(self, journal: Journal) -> None:
        self._idle.pop(journal, None)
        if journal is self._latest:
            self._latest = None


class Journal:
    """The most recent exchanges and violations of an account.

    The exchanges are limited in number and in bytes. Violations are stored separately, and are kept longer.
    """

    __slots__ = (
        "_bytes",
        "_exchanges",
        "_space",
        "_violations",
        "dropped",
        "dropped_violations",
        "label",
    )

    def __init__(self, label: str = "", space: JournalSpace | None = None) -> None:
        self.label = label  # the label of the account
        self._space = space
        self._bytes = 0
        self.clear()

    def clear(self) -> None:
        """Remove all exchanges and violations."""
        self._exchanges: list[Exchange] = []
        self._violations: deque[Violation] | None = None
        self._count(-self._bytes)
        self.dropped = 0  # number of exchanges that were dropped to save memory
        self.dropped_violations = 0

    def append(self, exchange: Exchange) -> None:
        """Record a completed exchange. The oldest exchanges above the limits are removed."""
        exchange.size = size = size_of(exchange)
        exchanges = self._exchanges
        exchanges.append(exchange)
        while len(exchanges) > JOURNAL or (self._bytes + size > JOURNAL_BYTES and len(exchanges) > 1):
            self.dropped += 1
            size -= exchanges.pop(0).size
        self._count(size)
        if not exchange.notes and exchange.status < 400:  # noqa: PLR2004  (most exchanges have no violation)
            return
        if not exchange.decided:
            self.add_violations(violation_records(exchange))

    def add_violations(self, violations: Iterable[Violation]) -> None:
        """Record the violations of one request."""
        for violation in violations:
            self.dropped_violations += len(self.violations) == VIOLATIONS
            self.violations.append(violation)

    def move_to(self, space: JournalSpace | None) -> None:
        """Move this journal from its present `JournalSpace` to `space`.

        If `space` is None, the limits of this journal itself still apply.
        """
        size = self._bytes
        if self._space is not None:
            self._space.remove(self, size)
        self._space = space
        if space is not None:
            space.add(self, size)

    def drop_exchanges(self) -> None:
        """Remove all exchanges, but keep the violations."""
        self.dropped += len(self._exchanges)
        self._exchanges = []
        self._count(-self._bytes)

    @property
    def violations(self) -> deque[Violation]:
        """The most recent violations, the oldest first."""
        if self._violations is None:  # as in most accounts
            self._violations = deque(maxlen=VIOLATIONS)
        return self._violations

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._space is not None:
            self._space.add(self, size)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._exchanges)

    def __len__(self) -> int:
        return len(self._exchanges)


def size_of(exchange: Exchange) -> int:
    """Return the approximate size of an exchange in bytes."""
    texts = len(exchange.path) + len(exchange.query) + len(exchange.request_body) + len(exchange.answer_body)
    request_headers, answer_headers = tuple(exchange.request_headers), tuple(exchange.answer_headers)
    return _RECORD + texts + _size_of_headers(request_headers) + _size_of_headers(answer_headers)


@lru_cache(maxsize=512)  # clients repeat their headers
def _size_of_headers(headers: tuple[tuple[bytes, bytes], ...]) -> int:
    return sum(len(name) + len(value) for name, value in headers)


def violation_texts(exchange: Exchange) -> list[str]:
    """Return the notes that say how the request violates the contract.

    If the response is a 400, all notes are returned. If no documented operation matches the request, all notes are
    returned. In all other cases, the notes that begin with `WARNING` are returned. Such a note describes a probable
    mistake in an accepted request.
    """
    # The notes on such a response state why the request was refused.
    refused = (exchange.decided or exchange.status) == 400 or exchange.is_unmatched  # noqa: PLR2004
    return [note for note in exchange.notes if refused or note.startswith(WARNING)]


def violation_records(exchange: Exchange) -> Iterator[Violation]:
    """Yield a `Violation` for each way in which the request violates the contract."""
    texts = violation_texts(exchange)
    for text in texts:
        yield Violation(exchange.at, exchange.method, exchange.path, exchange.status, text)
    if exchange.method == "GET" and exchange.status >= 400 and not texts:  # noqa: PLR2004  (an error)
        code = _error_code(exchange.answer_body)
        task_id = exchange.path.rpartition("/")[2]
        if code in _NOT_OWN and task_id:
            text = f"{code}: {task_id!r} is not a task of this account"
            yield Violation(exchange.at, exchange.method, exchange.path, exchange.status, text, task_id)


def record_violations(exchange: Exchange) -> None:
    """Record the violations by a request in its account's journal.

    A second call for the same exchange does nothing. A simulated network fault can replace or delay the response. Call
    this function before the mock applies the fault. The original response then decides which notes are violations.
    """
    if exchange.decided:
        return
    exchange.decided = exchange.status
    if exchange.journal is not None:
        exchange.journal.add_violations(violation_records(exchange))


class _Error(Struct, frozen=True):
    code: str | int
    message: str = ""


class _Refusal(Struct, frozen=True):
    error: _Error


def error_message(body: bytes) -> str:
    """Return the message in the body of an error response.

    The message is empty if the body does not have the documented shape.
    """
    error = _error(body)
    return "" if error is None else error.message


def _error_code(body: bytes) -> str | int | None:
    error = _error(body)
    return None if error is None else error.code


def _error(body: bytes) -> _Error | None:
    try:
        return decode(body, type=_Refusal).error
    except MsgspecError:  # for example the page of a gateway
        return None

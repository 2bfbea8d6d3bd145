"""One request to the mock with its response, as recorded for the access log and the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Sequence

SCOPE_KEY = "evolink_mock.exchange"  # the key of the exchange in the ASGI scope
KEPT = 65_536  # bytes of a request body that are kept


class Exchange(Struct):
    """One request and its response. The access log never shows the token, the query string or a body."""

    method: str
    path: str
    began: float  # an instant of the stopwatch
    status: int = 0  # 0: no response was sent
    account: str = ""  # its label
    task_id: str = ""
    notes: tuple[str, ...] = ()
    query: bytes = b""
    scheme: str = "http"
    request_headers: Sequence[tuple[bytes, bytes]] = ()
    request_body: bytes = b""  # the first `KEPT` bytes
    at: float = 0.0  # on the account's clock, Unix seconds
    seconds: float = 0.0  # how long the response took, in real time
    answer_headers: Sequence[tuple[bytes, bytes]] = ()
    answer_body: bytes = b""  # empty for a result file
    journal: deque[Exchange] | None = None  # of the account, where the exchange is appended when it is over

    def __repr__(self) -> str:
        """The fields that a log or a traceback may show."""
        return (
            f"<Exchange {self.method} {self.path} {self.status} account={self.account} task={self.task_id}>"
        )

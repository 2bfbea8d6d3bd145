"""One request to the mock with its answer, as the log and the journal see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_mock.domain.accounts import Account

KEY = "evolink_mock.exchange"  # where the exchange stands in the ASGI scope
KEPT = 65_536  # bytes of a request body that are remembered


class Exchange(Struct):
    """One request and its answer. The log shows of it what is no secret: neither token, query string nor body."""

    method: str
    path: str
    began: float  # of the stopwatch
    status: int = 0  # 0: nothing was answered
    account: str = ""  # the label
    task_id: str = ""
    notes: tuple[str, ...] = ()
    query: bytes = b""
    scheme: str = "http"
    request_headers: Sequence[tuple[bytes, bytes]] = ()
    request_body: bytes = b""  # its beginning: `KEPT` bytes
    at: float = 0.0  # on the account's clock, Unix seconds
    seconds: float = 0.0  # how long the answer took, in real time
    answer_headers: Sequence[tuple[bytes, bytes]] = ()
    answer_body: bytes = b""  # of a result file: nothing
    owner: Account | None = None

    def __repr__(self) -> str:
        """What a log or a traceback may show."""
        return (
            f"<Exchange {self.method} {self.path} {self.status} account={self.account} task={self.task_id}>"
        )

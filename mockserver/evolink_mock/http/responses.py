"""One HTTP exchange as it is being answered, and the two ways to answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from evolink_mock.http import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_spec import ErrorAnswer
    from starlette.types import Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.http.errors import Fault, Headers

KEY = "evolink_mock.exchange"  # where the exchange stands in the ASGI scope
KEPT = 65_536  # bytes of a request body that are remembered
_JSON = (b"content-type", b"application/json")


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


async def answer(
    send: Send, exchange: Exchange, body: bytes, status: int = 200, headers: Headers = ()
) -> None:
    """Send a JSON body. A HEAD request is answered with the headers alone."""
    exchange.status = status
    exchange.answer_body = body
    exchange.answer_headers = start = [_JSON, (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": b"" if exchange.method == "HEAD" else body})


async def refuse(
    send: Send, exchange: Exchange, fault: Fault, documented: Mapping[int, ErrorAnswer] | None = None
) -> None:
    """Send a fault in the documented shape, and note why for the log."""
    exchange.notes += tuple(filter(None, (fault.detail, fault.hint)))
    await answer(send, exchange, errors.body(fault, documented or {}), fault.status, fault.headers)

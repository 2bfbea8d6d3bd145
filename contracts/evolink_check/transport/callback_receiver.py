"""Where callbacks arrive: plain HTTP, with a script of answers for each address that is given out."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from evolink_check.transport.callback_server import SIGN, CallbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evolink_check.traffic.trace import Entry
    from evolink_check.transport.recorder import Recorder

_TAG = "a=%2F%20b&c=+&d="  # behind the secret: what a careless sender would decode, encode or drop


@dataclass(frozen=True, slots=True)
class Answer:
    """What one delivery is answered with, after `seconds`. A status of 0: the connection is closed without a word."""

    status: int = 204
    seconds: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    elsewhere: bool = False  # a redirect leads to another address of ours


REDIRECT = Answer(302, elsewhere=True)
CLOSE = Answer(0)


def slow(seconds: float, status: int = 204) -> Answer:
    """An answer that takes its time."""
    return Answer(status, seconds)


def never(limit: float = 60.0) -> Answer:
    """No answer: the connection is held until the sender closes it, or for so many seconds."""
    return Answer(0, limit)


@dataclass(slots=True)
class Address:
    """One address that was given out, and what is left of its script."""

    name: str
    answers: deque[Answer]
    arrived: int = 0
    under_way: int = 0
    last: float = 0.0  # when a delivery last ended


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What has come to one address: how often, how much is still under way, when the last one ended; 0 for never."""

    count: int
    under_way: int
    last: float


class CallbackReceiver:
    """Listens while the `with` block runs; `public` is the URL under which others reach it, empty: as it listens.

    A delivery is answered by the script of its address, with 204 once that is at its end, and recorded. So is what
    comes to an address that was never given out, with an empty case, a GET or HEAD aside, which gets a 404.
    `on_delivery(name)` is called before the answer.
    """

    def __init__(
        self,
        recorder: Recorder,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        public: str = "",
        on_delivery: Callable[[str], None] | None = None,
    ) -> None:
        self._recorder = recorder
        self._listen = listen
        self._given = public
        self.on_delivery = on_delivery
        self._lock = threading.Lock()
        self._addresses: list[Address] = []
        self._server: CallbackServer | None = None
        self._thread: threading.Thread | None = None
        self.ending = False
        self.nonce = secrets.token_hex(8)

    @property
    def public(self) -> str:
        """What every callback URL begins with, without a slash at its end."""
        if self._given:
            return self._given
        if self._server is None:
            raise RuntimeError("the receiver does not listen: use it in a `with` block")
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def address(self, name: str, answers: Iterable[Answer] = ()) -> str:
        """A callback URL of its own for a case, whose deliveries are answered in this order."""
        with self._lock:
            self._addresses.append(Address(name, deque(answers)))
            number = len(self._addresses)
        return f"{self.public}/c/{number}?secret={secrets.token_urlsafe(12)}&{_TAG}"

    @property
    def sign(self) -> str:
        """A URL that tells, when it is fetched, whether the public address leads to this receiver."""
        return f"{self.public}/who-is-there"

    def is_ours(self, headers: Iterable[tuple[str, str]]) -> bool:
        """Whether the answer of a fetched `sign` came from here."""
        return any(name.lower() == SIGN.lower() and value == self.nonce for name, value in headers)

    def arrivals(self, url: str) -> Arrivals:
        """What has come to an address that was given out."""
        with self._lock:
            found = self._of(urlsplit(url).path)
            assert found is not None  # noqa: S101  (it was given out)
            return Arrivals(found.arrived, found.under_way, found.last)

    def __enter__(self) -> Self:
        self._server = CallbackServer(self._listen, self)
        self._thread = threading.Thread(target=self._server.run, name="callback-receiver", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        server, thread = self._server, self._thread
        assert server is not None  # noqa: S101  (`__enter__` was called)
        assert thread is not None  # noqa: S101
        self.ending = True
        server.wake()
        thread.join()
        server.server_close()  # waits for the handlers, which the end of their connections wakes

    def _of(self, path: str) -> Address | None:
        """The address that a path was given out for, whatever stands before it."""
        before, _, number = path.rpartition("/")
        if not before.endswith(("/c", "/elsewhere")) or not (number.isascii() and number.isdecimal()):
            return None
        place = int(number) if len(number) < len("1000000") else 0
        return self._addresses[place - 1] if 0 < place <= len(self._addresses) else None

    def arrived(self, path: str) -> tuple[Address | None, Answer]:
        """Somebody calls: whose address it is, and the answer of its script."""
        with self._lock:
            address = self._of(urlsplit(path).path)
            if address is None:
                return None, Answer(404, headers=((SIGN, self.nonce),))
            address.arrived += 1
            address.under_way += 1
            return address, address.answers.popleft() if address.answers else Answer()

    def over(self, address: Address | None, entry: Entry) -> None:
        """A delivery has ended."""
        kept = self._recorder.add(entry)
        with self._lock:
            if address is not None:
                address.under_way -= 1
                address.last = kept.ended

    def shown(self, path: str) -> str:
        """The URL that was called: what stands before our paths may have been taken away on the way to us."""
        prefix = urlsplit(self.public).path
        whole = path if prefix and path.startswith(f"{prefix}/") else f"{prefix}{path}"
        return f"{self.public.removesuffix(prefix)}{whole}"

    def now(self) -> float:
        """Unix seconds, as they are recorded."""
        return self._recorder.now()

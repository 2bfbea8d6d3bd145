"""Receive callbacks over plain HTTP.

The caller chooses the answers to the first deliveries to each callback URL.
"""

from __future__ import annotations

import secrets
import threading
from collections import deque
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from evolink_check.transport.callback_script import Answer, Arrivals, CallbackAddress
from evolink_check.transport.callback_server import SIGNATURE, CallbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evolink_check.traffic.trace import Entry
    from evolink_check.transport.recorder import RunRecorder

_TAG = "a=%2F%20b&c=+&d="  # follows the secret; an incorrect sender would decode, encode or drop it


class CallbackReceiver:
    """A callback receiver, which listens during its `with` block.

    `public` is the public URL of the receiver. If `public` is empty, callback URLs contain the address of the listening
    socket. `address` returns a new callback URL for a case. Each delivery to this URL is recorded with the name of the
    case. `on_delivery` is called with this name before a delivery is answered.

    Requests to other URLs get a 404. Such requests are recorded without a name. GET and HEAD requests to other URLs are
    not recorded.
    """

    def __init__(
        self,
        recorder: RunRecorder,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        public: str = "",
        on_delivery: Callable[[str], None] | None = None,
    ) -> None:
        self._recorder = recorder
        self._listen = listen
        self._public = public
        self.on_delivery = on_delivery
        self._lock = threading.Lock()
        self._addresses: list[CallbackAddress] = []
        self._server: CallbackServer | None = None
        self._thread: threading.Thread | None = None
        self.ending = False
        self.nonce = secrets.token_hex(8)

    @property
    def public(self) -> str:
        """The beginning of every callback URL, without a slash at the end."""
        if self._public:
            return self._public
        if self._server is None:
            raise RuntimeError("the receiver is not listening: use it in a `with` block")
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def address(self, name: str, answers: Iterable[Answer] = ()) -> str:
        """Return a new callback URL for the case with this name.

        The first deliveries to the URL get `answers`, in this order. Later deliveries get a 204.
        """
        with self._lock:
            self._addresses.append(CallbackAddress(name, deque(answers)))
            number = len(self._addresses)
        return f"{self.public}/c/{number}?secret={secrets.token_urlsafe(12)}&{_TAG}"

    @property
    def probe_url(self) -> str:
        """A URL that tests whether the public URL leads to this receiver.

        Request this URL, and pass the response headers to `is_ours`.
        """
        return f"{self.public}/who-is-there"

    def is_ours(self, headers: Iterable[tuple[str, str]]) -> bool:
        """Return whether these headers come from this receiver's response to `probe_url`."""
        return any(name.lower() == SIGNATURE.lower() and value == self.nonce for name, value in headers)

    def arrivals(self, url: str) -> Arrivals:
        """Return the state of the deliveries to this callback URL.

        `url` must be a callback URL that `address` returned.
        """
        with self._lock:
            address = self._address_at(urlsplit(url).path)
            assert address is not None  # noqa: S101  (it was issued)
            return Arrivals(address.arrived, address.under_way, address.last)

    @property
    def received(self) -> bool:
        """Whether a delivery to any callback URL has arrived."""
        with self._lock:
            return any(address.arrived for address in self._addresses)

    def __enter__(self) -> Self:
        self._server = CallbackServer(self._listen, self)
        self._thread = threading.Thread(target=self._server.serve, name="callback-receiver", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        server, thread = self._server, self._thread
        assert server is not None  # noqa: S101  (`__enter__` was called)
        assert thread is not None  # noqa: S101
        self.ending = True
        server.wake()
        thread.join()
        server.server_close()  # waits for the handlers, whose connections were closed by `wake`

    def _address_at(self, path: str) -> CallbackAddress | None:
        # Some proxies keep the path prefix of the public URL, so a prefix before `/c/` is ignored.
        before, _, number = path.rpartition("/")
        if not before.endswith(("/c", "/elsewhere")) or not (number.isascii() and number.isdecimal()):
            return None
        place = int(number) if len(number) < len("1000000") else 0
        return self._addresses[place - 1] if 0 < place <= len(self._addresses) else None

    def begin_delivery(self, path: str) -> tuple[CallbackAddress | None, Answer]:
        """Count a delivery, and return the state of its callback URL and the answer.

        If no callback URL has this path, the state is None. The answer then has the status 404.
        """
        with self._lock:
            address = self._address_at(urlsplit(path).path)
            if address is None:
                return None, Answer(404, headers=((SIGNATURE, self.nonce),))
            address.arrived += 1
            address.under_way += 1
            return address, address.answers.popleft() if address.answers else Answer()

    def end_delivery(self, address: CallbackAddress | None, entry: Entry) -> None:
        """Record a delivery that has been answered.

        `address` is the state of the callback URL, as returned by `begin_delivery`.
        """
        recorded = self._recorder.add(entry)
        with self._lock:
            if address is not None:
                address.under_way -= 1
                address.last = recorded.ended

    def public_url(self, path: str) -> str:
        """Return the whole URL to which the sender sent its request.

        `path` is the path in the request.
        """
        # A proxy in front of the receiver may have removed the path prefix of the public URL.
        prefix = urlsplit(self.public).path
        full_path = path if prefix and path.startswith(f"{prefix}/") else f"{prefix}{path}"
        return f"{self.public.removesuffix(prefix)}{full_path}"

    def now(self) -> float:
        """Return the Unix time on the clock of the server under test."""
        return self._recorder.now()

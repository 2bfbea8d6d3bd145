"""A connection to a Redis or Valkey server.

Every problem is reported as a `StoreError`. A call blocks for one round trip.
"""

from __future__ import annotations

import logging
import threading
from functools import cache, partial
from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError, ResponseError
from redis.retry import Retry

from evolink_mock.domain.clock import wall_time
from evolink_mock.domain.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evolink_mock.stores.redis.address import Address

    Command = tuple[Any, ...]
    Call = Callable[[Sequence[Command]], list[Any]]  # one round trip

VERSION = 1  # version of the layout of keys and values, stored as the fact `version`
_OLDEST = 7  # minimum major version of the server; earlier versions do not support script flags
_CONNECT_SECONDS = 1.0
_REPLY_SECONDS = 2.0
_AGAIN_SECONDS = 0.1  # between two attempts to reconnect
_log = logging.getLogger("evolink_mock")


class Connection:
    """A connection to a Redis or Valkey server. One thread may use it at a time.

    The argument `opened` is a function that prepares the store. Each time the connection is opened, this function is
    called. Methods raise `StoreError` if the server cannot be reached or rejects a command.
    """

    def __init__(self, address: Address, opened: Callable[[Call], None]) -> None:
        self._address = address
        self._opened = opened
        self._prefix = address.prefix.encode()
        self._script, self._hash = _script_and_hash()
        self._link: Any | None = None
        self._closed = threading.Event()
        self.connected = threading.Event()
        self.problem: str | None = None  # reason of the last failure; None after a successful write
        self.calls = 0  # number of calls of the script
        self.opened = 0  # number of connections so far
        self.offset = 0.0  # seconds by which the server's clock is ahead of this machine's
        self.server = ""  # name and version of the server
        self._connect()

    def key(self, name: str) -> bytes:
        """Return `name` with the prefix of this store, as a key on the server."""
        return self._prefix + name.encode("utf-8", "surrogatepass")

    def call(self, *command: Any) -> Any:
        """Send one command, and return the reply."""
        return self.pipeline((command,))[0]

    def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one round trip, and return their replies.

        Raises `StoreError` if the server rejects a command.
        """
        replies = self.send(commands)
        for reply in replies:
            if isinstance(reply, StoreError):
                raise reply
        return replies

    def writing(self, name: str, *values: Any) -> Command:
        """Return the command that calls the function `name` of the script `store.lua`."""
        self.calls += 1
        return "EVALSHA", self._hash, 1, self._prefix, name, *values

    def write(self, name: str, *values: Any) -> Any:
        """Call the function `name` of the script `store.lua`, and return its reply."""
        return self.call(*self.writing(name, *values))

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one round trip.

        Returns the reply to each command. If a command is rejected, its reply is a `StoreError`.
        """
        replies = self._exchange(commands)
        for place, reply in enumerate(replies):
            if isinstance(reply, NoScriptError):  # the server has forgotten the script, and has done nothing
                reply = self._exchange((("SCRIPT", "LOAD", self._script), commands[place]))[1]  # noqa: PLW2901
                replies[place] = reply
            if isinstance(reply, ResponseError):
                replies[place] = self.rejected(reply)
            elif self.problem is not None and commands[place][0] == "EVALSHA":
                self.problem = None
        return replies

    def rejected(self, reply: ResponseError) -> StoreError:
        """Convert the rejection of a command to a `StoreError`, and record it in `problem`."""
        self.problem = f"{self._address.shown}: {reply}"
        return StoreError(self.problem)

    def wall_time(self) -> float:
        """Return the Unix time of the Redis server's clock."""
        return wall_time() + self.offset  # the same on all machines that share the store

    def close(self) -> None:
        """Close the connection. This method never raises an error."""
        self._closed.set()
        if self._link is not None:
            self._link.disconnect()
            self._link = None

    def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        if (link := self._link) is None:  # until a thread has connected again
            raise StoreError(self.problem or f"{self._address.shown}: closed")
        try:
            replies = _exchange(link, commands)
        except (RedisError, OSError) as error:
            raise self._close_and_reconnect(link, error) from error
        if replies and isinstance(replies[-1], ReadOnlyError):  # another server is the primary now
            raise self._close_and_reconnect(link, replies[-1]) from replies[-1]
        return replies

    def _connect(self) -> None:
        link = _link(self._address)
        try:
            link.connect()
            hello = _server_properties(link)
            _check_server(hello)
            _, (seconds, microseconds) = _checked_replies(link, [("SCRIPT", "LOAD", self._script), ("TIME",)])
            self.offset = int(seconds) + int(microseconds) / 1e6 - wall_time()
            self.server = f"{hello['server']} {hello['version']}"
            self._opened(partial(_checked_replies, link))
        except (RedisError, OSError, StoreError) as error:
            link.disconnect()
            raise StoreError(f"{self._address.shown}: {error}") from error
        self.opened += 1
        self._link, self.problem = link, None
        self.connected.set()

    def _close_and_reconnect(self, link: Any, error: Exception) -> StoreError:
        link.disconnect()
        if self._link is link:
            self._link = None
            self.connected.clear()
            self.problem = f"{self._address.shown}: {error}"
            _log.error("the store cannot be used: %s", self.problem)
            threading.Thread(target=self._connect_again, name="evolink-mock redis", daemon=True).start()
        return StoreError(self.problem or str(error))

    def _connect_again(self) -> None:
        while not self._closed.wait(_AGAIN_SECONDS):
            try:
                self._connect()
            except StoreError as error:
                self.problem = str(error)
            else:
                _log.warning("the store can be used again: %s", self._address.shown)
                return


def _server_properties(link: Any) -> dict[str, str]:
    reply = _checked_replies(link, [("HELLO",)])[0]
    texts = [item.decode() if isinstance(item, bytes) else "" for item in reply]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _exchange(link: Any, commands: Sequence[Command]) -> list[Any]:
    link.send_packed_command(link.pack_commands(commands), check_health=False)
    replies: list[Any] = []
    for _ in commands:
        try:
            replies.append(link.read_response())
        except ResponseError as refusal:
            replies.append(refusal)
    return replies


def _checked_replies(link: Any, commands: Sequence[Command]) -> list[Any]:
    replies = _exchange(link, commands)
    for reply in replies:
        if isinstance(reply, ResponseError):
            raise reply
    return replies


def _link(address: Address) -> Any:  # with untyped methods
    kind: Any = redis.SSLConnection if address.is_tls else redis.Connection
    return kind(
        host=address.host,
        port=address.port,
        db=address.database,
        username=address.username,
        password=address.password,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=_REPLY_SECONDS,
        socket_keepalive=True,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        client_name="evolink-mock",
        **address.tls_files,
    )


def _check_server(hello: dict[str, str]) -> None:
    if hello.get("mode") == "cluster":
        raise StoreError(
            "a cluster cannot keep a store: name a single server, or a primary with its replicas"
        )
    major = hello.get("version", "").partition(".")[0]
    if not major.isdigit() or int(major) < _OLDEST:
        raise StoreError(f"version {hello.get('version')} is too old: Redis 7 or Valkey is required")


@cache
def _script_and_hash() -> tuple[bytes, str]:
    text = (files("evolink_mock.stores.redis") / "store.lua").read_bytes()
    return text, sha1(text, usedforsecurity=False).hexdigest()

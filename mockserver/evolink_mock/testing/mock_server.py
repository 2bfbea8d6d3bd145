"""A mock server for Python tests, in this process or elsewhere."""

from __future__ import annotations

import secrets
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Never, Self, TypedDict, Unpack

from evolink_mock.testing.account import MockAccount
from evolink_mock.testing.control_client import ControlClient

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from starlette.types import ASGIApp

    from evolink_mock.settings import Settings
    from evolink_mock.testing.transport import Transport

_LOOPBACK = "127.0.0.1"
_TERMS = ("credits", "rate", "denied_models")  # the terms of an account


class MockServerSettings(TypedDict, total=False):
    """The settings of `evolink-mock serve`, with the same names and values. By default, a free port is chosen."""

    host: str
    port: int
    public_url: str
    trust_proxy: bool
    duration: str | float  # of a task, such as 5s, or a range such as 3s..20s
    realtime: bool
    seed: int
    clock_scale: float
    tokens: Iterable[str]
    credits: float
    rate: str  # such as 30/minute
    denied_models: Iterable[str]
    allow_callbacks_to: Sequence[str]  # by default 127.0.0.1, any port
    spec: Sequence[str | Path]  # documents, folders and patterns, added to the built-in documents
    only_spec: Sequence[str | Path]  # like spec, but without the built-in documents
    any_model: bool
    recipe: str
    recipes: str  # off, or the places where recipes are accepted, such as header,assigned
    no_fast_lane: bool
    store: str  # memory, sqlite:FILE, or the URL of a Redis or Valkey server
    keep: str  # how long unused accounts are kept, such as 30d
    log_format: str  # text or json
    metrics: bool
    media_dir: str | Path
    max_body: int
    cors: Sequence[str]
    control: str  # on, off, or HOST:PORT
    ui: str  # on or off
    ui_key: str
    https_port: int
    proxy_port: int
    offline: bool
    ca_dir: str | Path
    allow_hosts: Iterable[str]


class MockServer:
    """A mock that runs in a thread of this process during the `with` block.

    If `url` is set, the running mock at `url` is used. An invalid setting raises ValueError. An unknown setting raises
    TypeError. The `with` statement raises `PortError` or `SpecError` if the mock cannot start. The `with` statement
    raises `ConnectionError` if no mock runs at `url`.
    """

    def __init__(self, url: str | None = None, **settings: Unpack[MockServerSettings]) -> None:
        if url is not None and settings:
            raise ValueError(
                f"the settings of a running mock cannot be changed: {', '.join(settings)} would have no effect"
            )
        self._url = url
        self._settings = _settings(settings)
        self._base_url: str | None = None
        self._hosted: _Hosted | None = None
        self._ending = ExitStack()

    @property
    def base_url(self) -> str:
        """The base URL for clients, without a trailing slash. Raises RuntimeError outside of the `with` block."""
        if self._base_url is None:
            raise RuntimeError("the mock is not running: use it in a `with` block")
        return self._base_url

    def account(
        self,
        token: str | None = None,
        *,
        credits: float | None = None,  # noqa: A002  (the documents' word)
        rate: str | None = None,
        denied_models: Sequence[str] = (),  # one model may be written without a list
        **unknown: Never,
    ) -> MockAccount:
        """Create an account and return it.

        If `token` is omitted, a random token is used. For other omitted arguments, the settings of the server apply. If
        the token already has an account, that account is deleted first. Raises `ControlError` with status 401 if the
        server does not accept the token.
        """
        for name in unknown:
            from evolink_spec.options.suggestions import did_you_mean

            raise TypeError(f"unknown argument {name!r}{did_you_mean(name, ('token', *_TERMS))}")
        models = [denied_models] if isinstance(denied_models, str) else list(denied_models)
        terms = dict(zip(_TERMS, (credits, rate, models or None), strict=True))
        terms = {name: value for name, value in terms.items() if value is not None}
        transport = None if self._hosted is None else self._hosted.transport
        account = MockAccount(self.base_url, token or f"test-{secrets.token_hex(12)}", terms, transport)
        account.reset()
        return account

    def __enter__(self) -> Self:
        if self._base_url is not None:
            raise RuntimeError("the mock is running already")
        if self._url is not None:
            base_url = self._url.rstrip("/")
            ControlClient(base_url).request("GET", "/health")
        else:
            self._hosted = self._ending.enter_context(_hosting(self._settings))
            base_url = self._hosted.base_url
        self._base_url = base_url
        return self

    def __exit__(self, *_: object) -> None:
        self._base_url = self._hosted = None
        self._ending.close()


def _settings(keywords: MockServerSettings) -> Settings:
    from evolink_spec.options.sources import from_keywords, gather

    from evolink_mock.settings import Settings

    defaults: MockServerSettings = {"port": 0, "allow_callbacks_to": (_LOOPBACK,)}
    return gather(Settings, [from_keywords({**defaults, **keywords}, Settings)])


def _refuse_gevent() -> None:
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        raise RuntimeError(
            "gevent.monkey.patch_all() has replaced threads and sockets, so a mock cannot run in this process: "
            "start `evolink-mock serve` in another process, and use MockServer(url)"
        )


@dataclass(frozen=True, slots=True)
class _Hosted:
    base_url: str
    app: ASGIApp
    loop: asyncio.AbstractEventLoop

    def transport(self) -> Transport:
        from evolink_mock.testing.transport import Transport

        return Transport(self.app, self.loop)


@contextmanager
def _hosting(settings: Settings) -> Iterator[_Hosted]:
    _refuse_gevent()
    from evolink_mock.server.thread import serve_in_thread
    from evolink_mock.setting_checks import load_documents

    with serve_in_thread(load_documents(settings), settings) as server:
        yield _Hosted(server.url, server.app, server.loop)

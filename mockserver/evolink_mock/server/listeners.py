"""The listening sockets of one server."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from evolink_mock.domain.clock import SystemClock
from evolink_mock.settings import ca_folder

if TYPE_CHECKING:
    from evolink_spec import Spec

    from evolink_mock.interception.certificate_authority import Authority
    from evolink_mock.settings import Settings

_BACKLOG = 2048


class PortError(Exception):
    """The address cannot be listened on; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """The listening sockets of one server. With `https` there is an `authority`; `hosts` are the names it plays."""

    http: socket.socket
    https: socket.socket | None = None
    proxy: socket.socket | None = None
    authority: Authority | None = None
    hosts: tuple[str, ...] = ()
    control: socket.socket | None = None  # of the control API, where it is bound elsewhere

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for listener in (self.http, self.https, self.proxy, self.control):
            if listener is not None:
                listener.close()  # once more does no harm


def open_listeners(spec: Spec, settings: Settings) -> Listeners:
    """Listen on all that the settings ask for. Raises `PortError`, `AuthorityError`, ValueError.

    The proxy needs an https listener to lead to: without a port for it, a free one.
    """
    host, https_port, proxy_port = settings.host, settings.https_port, settings.proxy_port
    with ExitStack() as opened:
        http = opened.enter_context(listen(host, settings.port))
        control = None
        if settings.control not in {"on", "off"}:
            where, _, port = settings.control.rpartition(":")
            control = opened.enter_context(listen(where.strip("[]"), int(port), "--control"))
        if https_port is None and proxy_port is None:
            opened.pop_all()
            return Listeners(http, control=control)
        from evolink_mock.interception.certificate_authority import open_authority
        from evolink_mock.interception.hosts import hosts_of

        hosts = hosts_of(spec)
        # The true time, whatever the clock of the tasks says: clients judge certificates by theirs.
        authority = open_authority(ca_folder(settings), hosts, SystemClock().now())
        https = opened.enter_context(listen(host, https_port or 0, "--https-port"))
        proxy = None
        if proxy_port is not None:
            proxy = opened.enter_context(listen(host, proxy_port, "--proxy-port"))
        opened.pop_all()
        return Listeners(http, https, proxy, authority, hosts, control)


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `PortError`, which names the option."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise PortError(_why(error, host, port, option)) from error


def _why(error: Exception, host: str, port: int, option: str) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} is taken: choose another with {option}, or {option} 0 for any free one"
    if number == errno.EACCES:
        more = "; `evolink-mock hosts` tells how to get them" if option == "--https-port" else ""
        return f"port {port} needs more rights: choose one above 1023{more}"
    return f"cannot listen on {host} port {port}: {error}"


def reach(listener: socket.socket) -> tuple[str, int]:
    """The address and port of a listening socket, as a client on this machine can use them."""
    host, port = listener.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104  (shown, not bound)


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """The URL of a listening socket, with an address that a client on this machine can use."""
    host, port = reach(listener)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

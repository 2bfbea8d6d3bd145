"""The listening sockets of one mock."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from evolink_mock.domain.clock import SystemClock
from evolink_mock.setting_checks import ca_folder

if TYPE_CHECKING:
    import ssl

    from evolink_spec import Spec

    from evolink_mock.interception.certificate_authority import Authority
    from evolink_mock.settings import Settings

BACKLOG = 2048
_ANY_IPV4, _ANY_IPV6 = "0.0.0.0", "::"  # noqa: S104  (used only if the user gives this address)


class PortError(Exception):
    """The mock cannot listen on an address. The message states the reason and a remedy.

    `field` is the setting that causes the problem, such as `port` or `host`.
    """

    def __init__(self, message: str, field: str = "port") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Listeners:
    """The listening sockets of one mock."""

    http: socket.socket
    https: socket.socket | None = None
    proxy: socket.socket | None = None
    authority: Authority | None = None  # issues the certificate of the https listener
    hosts: tuple[str, ...] = ()  # host names of the simulated API, for which the certificate is valid
    tls: ssl.SSLContext | None = None  # TLS context of the https listener
    control: socket.socket | None = None  # listener of the control API, if the API has its own address

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for listener in (self.http, self.https, self.proxy, self.control):
            if listener is not None:
                listener.close()  # closing twice is allowed


def open_listeners(spec: Spec, settings: Settings) -> Listeners:
    """Open a listening socket for every port in the settings.

    The proxy needs the https listener. If the settings have a proxy port but no https port, https gets a free port.

    Raises `PortError` if a port cannot be opened. The https listener needs a certificate authority. Raises
    `AuthorityError` if the certificate authority cannot be read or created. Raises `SettingError` if `settings.ca_dir`
    is not set and the user has no home folder.
    """
    host, https_port, proxy_port = settings.host, settings.https_port, settings.proxy_port
    with ExitStack() as opened:
        http = opened.enter_context(listen(host, settings.port))
        control = None
        if settings.control not in {"on", "off"}:
            address, _, port = settings.control.rpartition(":")
            control = opened.enter_context(listen(address.strip("[]"), int(port), "--control"))
        if https_port is None and proxy_port is None:
            opened.pop_all()
            return Listeners(http, control=control)
        from evolink_mock.interception.certificate_authority import open_authority
        from evolink_mock.interception.hosts import hosts_of

        hosts = hosts_of(spec)
        # Real time instead of the server's clock, because clients check certificates against real time.
        now = SystemClock().now()
        authority = open_authority(ca_folder(settings), hosts, now)
        tls = authority.server_context(hosts, now)
        https = opened.enter_context(listen(host, https_port or 0, "--https-port"))
        proxy = None
        if proxy_port is not None:
            proxy = opened.enter_context(listen(host, proxy_port, "--proxy-port"))
        opened.pop_all()
        return Listeners(http, https, proxy, authority, hosts, tls, control)


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """Open a listening socket. Port 0 selects a free port.

    Raises `PortError` if the port cannot be opened. The message names the command-line option `option`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # A socket on `::` also accepts IPv4 connections if the system supports this, because users expect it.
        dual = host == _ANY_IPV6 and socket.has_dualstack_ipv6()
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=dual)
    except OSError as error:
        concerns_port = option == "--control" or error.errno in {errno.EADDRINUSE, errno.EACCES}
        field = option.lstrip("-").replace("-", "_") if concerns_port else "host"
        raise PortError(_explain(error, host, port, option), field) from error


def _explain(error: Exception, host: str, port: int, option: str) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        place, free = (" HOST:PORT", f"{host}:0") if option == "--control" else ("", "0")
        return (
            f"port {port} is in use: choose another with {option}{place}, or {option} {free} for any free one"
        )
    if number == errno.EACCES:
        more = "; `evolink-mock hosts` explains how to allow it" if option == "--https-port" else ""
        return f"port {port} requires privileges: choose a port above 1023{more}"
    return f"cannot listen on {host} port {port}: {error}"


def local_address(listener: socket.socket) -> tuple[str, int]:
    """Return a listening socket's address and port for a client on this machine."""
    host, port = listener.getsockname()[:2]
    return {_ANY_IPV4: "127.0.0.1", _ANY_IPV6: "::1"}.get(host, host), port


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """Return a listening socket's URL for a client on this machine."""
    host, port = local_address(listener)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def network_urls(listener: socket.socket) -> list[str]:
    """Return a listening socket's URLs for other machines.

    The hosts `0.0.0.0` and `::` mean all addresses of this machine. For a socket on any other host, the list is empty.
    """
    host, port = listener.getsockname()[:2]
    addresses = []
    if host == _ANY_IPV4 or (host == _ANY_IPV6 and socket.has_dualstack_ipv6()):
        addresses.append(_own_address(socket.AF_INET, "192.0.2.1"))
    if host == _ANY_IPV6:
        addresses.append(_own_address(socket.AF_INET6, "2001:db8::1"))
    hosts = [f"[{address}]" if ":" in address else address for address in addresses if address]
    return [f"http://{host}:{port}" for host in hosts]


# The local address from which this machine would send to the address `outside`. Nothing is sent.
def _own_address(family: socket.AddressFamily, outside: str) -> str | None:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((outside, 9))
            address: str = probe.getsockname()[0]
    except OSError:  # no network
        return None
    return address

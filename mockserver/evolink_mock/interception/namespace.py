"""Linux namespaces in which the API's host names are this machine."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_mock.interception.hosts import HERE, HTTPS_PORT, lines

if TYPE_CHECKING:
    from collections.abc import Sequence


class NamespaceError(Exception):  # noqa: N818  (it reads as what it says)
    """The names cannot lead here on this system; the text says why, and what else there is."""


_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x0002_0000, 0x1000_0000, 0x4000_0000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x4_0000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_HOSTS_FILE = "/etc/hosts"
_SWITCHES = (  # settings of a kernel that forbid it, the value that does, and what to say
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("kernel/unprivileged_userns_clone", "0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=10000"),
)


def enter(hosts: Sequence[str], folder: Path) -> None:
    """Move this process into a mount and network namespace of its own, where `hosts` are this machine.

    The network there is loopback and nothing else, all its ports are free, and the processes started from now
    on share it. The user stays who he is. `folder` keeps the hosts file. To be called before there is a
    second thread. Raises `NamespaceError`.
    """
    if sys.platform != "linux":
        raise NamespaceError(
            "--hosts needs the namespaces of Linux; `evolink-mock hosts` tells how to do it by hand"
        )
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        _unshare(libc)
        _loopback_up()
        file = folder / "hosts"
        with open(_HOSTS_FILE, "rb") as own:  # noqa: PTH123  (one line with what is done to it)
            file.write_bytes(lines(hosts).encode("ascii") + own.read())
        _mount(libc, b"none", b"/", _MS_REC | _MS_PRIVATE)
        _mount(libc, os.fsencode(file), _HOSTS_FILE.encode(), _MS_BIND)
    except OSError as error:
        raise NamespaceError(_why_not(error)) from error
    _check(hosts)


def _unshare(libc: ctypes.CDLL) -> None:
    """Leave the common namespaces: root may at once, others as the root of a user namespace."""
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWNS | _CLONE_NEWNET) == 0:
        return
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWNET) != 0:
        raise _os_error()
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123  (no file: a switch)
            file.write(content)


def _loopback_up() -> None:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))


def _mount(libc: ctypes.CDLL, source: bytes, target: bytes, flags: int) -> None:
    if libc.mount(source, target, None, ctypes.c_ulong(flags), None) != 0:
        raise _os_error()


def _os_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


def _check(hosts: Sequence[str]) -> None:
    """A system may ask somebody else first: a name service daemon, or an order of its own in nsswitch.conf."""
    for host in hosts:
        try:
            found = {address[4][0] for address in socket.getaddrinfo(host, HTTPS_PORT)}
        except OSError:
            found = set()
        if found != {HERE}:
            raise NamespaceError(
                f"--hosts: {host} is not looked up in {_HOSTS_FILE} first on this system (see /etc/nsswitch.conf)"
            )


def _why_not(error: OSError) -> str:
    """What forbids it, as far as the system tells, and what to do about it."""
    for switch, forbidding, remedy in _SWITCHES:
        with suppress(OSError):
            if Path("/proc/sys", switch).read_text(encoding="ascii").strip() == forbidding:
                return f"--hosts: this system forbids it; to allow it: {remedy}"
    return (
        f"--hosts: this system forbids namespaces ({error.strerror}). In a container it takes the capability "
        "SYS_ADMIN and a profile that lets mount; else `evolink-mock hosts` tells how to do it by hand"
    )

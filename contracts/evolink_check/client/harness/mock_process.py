"""A mock in a separate process, for one or several clients.

The variables in `Mock.environment` make a command use the mock.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evolink_check import clock
from evolink_check.client.harness.journal_trace import Journals
from evolink_check.errors import CannotRunError
from evolink_check.files import temporary_folder
from evolink_check.traffic.text_redaction import redact_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import httpx2

    from evolink_check.client.harness.scenario import ScenarioRecipe

TASK_SECONDS = 1.5
_COMMAND = "evolink-mock"
_STOP_SECONDS = 10.0
_HTTP_SECONDS = 20.0
_KEEPALIVE_SECONDS = 2.0  # the mock closes an idle connection after 5 s
# The command that the mock runs. The command prints its environment and runs until its input is closed.
_PRINT_ENVIRONMENT = "import json,os,sys; print(json.dumps(dict(os.environ)), flush=True); sys.stdin.read()"


class MockError(CannotRunError):
    """A mock could not be started, reached or controlled. The message says why."""


@dataclass(frozen=True, slots=True)
class Mock:
    """An account on a mock, and the environment variables for commands that use the account."""

    url: str
    token: str = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    alone: bool = False  # whether one client alone uses the mock, and sent every request without an account
    # The HTTP client for requests to the mock; if it is None, a new one is opened for each request.
    client: httpx2.Client | None = field(default=None, repr=False, compare=False)

    def prepare(self, orders: Sequence[ScenarioRecipe]) -> float:
        """Reset the account, and assign the recipes to the account.

        Return how many seconds this program's clock is ahead of the mock's clock.
        """
        if self.alone:
            self._call("POST", "/reset")
        self._call("POST", "/accounts", {})
        for order in orders:
            body = {"recipe": order.recipe, "operation": order.operation, "times": order.times}
            self._call("POST", "/recipes", body)
        before = clock.now()
        there = float(self._call("GET", "/clock")["now"])
        return (before + clock.now()) / 2 - there

    def journal(self) -> Journals:
        """Return the recorded requests of the account.

        If `alone` is true, requests that belong to no account are also returned.
        """
        log = self._call("GET", "/journal.har")["log"]
        unmatched = self._call("GET", "/unmatched.har")["log"]["entries"] if self.alone else []
        return Journals(log["entries"], unmatched, log["_dropped"])

    def has_unmatched(self) -> bool:
        """Whether the mock has received requests that belong to no account."""
        return bool(self._call("GET", "/unmatched.har")["log"]["entries"])

    def freeze(self) -> float:
        """Freeze the account's clock and return its time in Unix seconds."""
        return float(self._call("POST", "/clock/freeze")["now"])

    def advance(self, seconds: float) -> float:
        """Advance the account's clock, and return the new time in Unix seconds.

        Callbacks that are due by the new time are sent before this method returns.
        """
        return float(self._call("POST", "/clock/advance", {"seconds": seconds})["now"])

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        import httpx2

        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            with _open_client(self.url) if self.client is None else nullcontext(self.client) as client:
                answer = client.request(method, f"{self.url}/__mock__{path}", json=body, headers=headers)
            answer.raise_for_status()
        except httpx2.HTTPStatusError as error:
            answer = error.response
            raise MockError(
                f"the mock refused {method} {path} ({answer.status_code}): {answer.text[:200]}"
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            raise MockError(f"there is no mock at {redact_url(self.url)}: {error}") from error
        return answer.json() if answer.content else None


def _open_client(url: str) -> httpx2.Client:
    import httpx2

    return httpx2.Client(
        timeout=_HTTP_SECONDS,
        trust_env=False,
        verify=url.startswith("https:"),  # loading the CA certificates takes 30 ms
        limits=httpx2.Limits(keepalive_expiry=_KEEPALIVE_SECONDS),
    )


def new_token() -> str:
    """Return a random API key. The key is so long that no text contains it by chance."""
    return f"client-{secrets.token_hex(16)}"


def borrow_account(url: str, environment: Mapping[str, str]) -> Mock:
    """Return a new account on a running mock.

    The mock may also serve programs that are not checked. Raises `MockError` if `url` is not an HTTP URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise MockError(f"invalid URL of a mock: {redact_url(url)!r}")
    base, token = url.rstrip("/"), new_token()
    return Mock(base, token, {**environment, "EVOLINK_BASE_URL": base, "EVOLINK_API_KEY": token})


def _do_nothing() -> None: ...


@contextmanager
def start_mock(*options: str, meanwhile: Callable[[], object] = _do_nothing) -> Iterator[Mock]:
    """Start a mock, and yield one account on it.

    `Mock.environment` has the variables that make a command use the mock. `options` are options of `evolink-mock run`.
    `meanwhile` is called while the mock is starting. Raises `MockError` if the mock is not installed or does not start.
    """
    token = new_token()
    command = [
        *(_command(), "run", "--token", token, "--duration", f"{TASK_SECONDS:g}s", "--offline"),
        *("--allow-callbacks-to", "127.0.0.1", "--allow-callbacks-to", "localhost", *options),
        *("--", sys.executable, "-c", _PRINT_ENVIRONMENT),
    ]
    with temporary_folder("evolink-check-") as folder:
        process = subprocess.Popen(  # noqa: S603  (our own command)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,  # so that no pyproject.toml configures the mock
            start_new_session=True,  # so that Ctrl-C does not reach the mock; it ends when its input is closed
        )
        try:
            meanwhile()
            environment = _environment(process)
            url = environment["EVOLINK_BASE_URL"]
            with _open_client(url) as client:
                yield Mock(url, token, environment, alone=True, client=client)
        finally:
            _stop(process)


@contextmanager
def start_shared_mock(count: int, *options: str) -> Iterator[list[Mock]]:
    """Start one mock for several clients, and yield a separate account for each client.

    Raises `MockError` if the mock is not installed or does not start.
    """
    tokens = [new_token() for _ in range(count)]
    with start_mock(*(word for token in tokens for word in ("--token", token)), *options) as own:
        yield [
            Mock(own.url, token, {**own.environment, "EVOLINK_API_KEY": token}, client=own.client)
            for token in tokens
        ]


def _command() -> str:
    beside = Path(sys.executable).with_name(_COMMAND)
    command = str(beside) if beside.exists() else shutil.which(_COMMAND)
    if command is None:
        raise MockError(f"{_COMMAND} is not installed: install it, or use --mock URL")
    return command


def _environment(process: subprocess.Popen[bytes]) -> dict[str, str]:
    assert process.stdout is not None  # noqa: S101  (it is a pipe)
    line = process.stdout.readline()
    if not line:
        _, why = process.communicate()
        raise MockError(f"the mock did not start: {why.decode('utf-8', 'replace').strip()[-300:]}")
    environment: dict[str, str] = json.loads(line)
    return environment


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired, ValueError, OSError):
        # This closes the stdin of `evolink-mock run`. The command that the mock started ends, and then the
        # mock ends.
        process.communicate(timeout=_STOP_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()

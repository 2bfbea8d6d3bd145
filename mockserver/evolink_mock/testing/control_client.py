"""The control API as a test calls it: a few lines over the standard library, as a mock may be anywhere."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

_SECONDS = 60.0  # for an answer: a day that is advanced may hold many callbacks
_CONTROL = "/__mock__"


class ControlError(Exception):
    """The mock refused what a test asked of it: the HTTP `status`, and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} ({status})")
        self.status = status


class ControlClient:
    """The control API of the mock at `base_url`, for one account (`token`) or for none."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        self._url = urlsplit(base_url)
        self._headers = {"accept": "application/json"}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: Any = None, *, seconds: float = _SECONDS) -> bytes:
        """The body of the answer. `ControlError` for a refusal, `ConnectionError` when no mock answers.

        No proxy is asked: what stands in the environment is for the code under test.
        """
        content = None if body is None else msgspec.json.encode(body)
        headers = self._headers if content is None else {**self._headers, "content-type": "application/json"}
        try:
            with closing(self._connection(seconds)) as connection:
                connection.request(method, f"{self._url.path.rstrip('/')}{_CONTROL}{path}", content, headers)
                answer = connection.getresponse()
                raw = answer.read()
        except (OSError, HTTPException) as error:
            where = self._url.geturl()
            raise ConnectionError(
                f"no evolink-mock answers at {where}: {error or type(error).__name__}"
            ) from error
        if answer.status >= 300:  # noqa: PLR2004  (no answer of the control API is a redirect)
            raise ControlError(answer.status, _message(raw))
        return raw

    def _connection(self, seconds: float) -> HTTPConnection:
        if not self._url.hostname or self._url.scheme not in {"http", "https"}:
            raise ConnectionError("it is no URL; write http://HOST:PORT")
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        return kind(self._url.hostname, self._url.port, timeout=seconds)


def _message(raw: bytes) -> str:
    """What an error body says, or that it is none of the mock's."""
    try:
        return str(msgspec.json.decode(raw)["error"]["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return "the answer is not the mock's: has it a control API?"

"""Tell a receiver about the tasks of a check.

Some receivers reject callbacks about unknown tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from evolink_check.traffic.text_redaction import redact_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_check.receiver.records import TaskBody

    Register = Callable[[TaskBody], object]
_SECONDS = 10.0


class RegistrationError(ValueError):
    """The checker could not tell the receiver about a task.

    The message of the exception is the reason.
    """


def url_register(url: str) -> Register:
    """Return a function that tells a receiver about a task.

    The argument of the function is the API's response to the create request. The function sends the response to `url`
    as JSON. The function raises `RegistrationError` if the receiver does not respond with a 2xx.
    """

    def register(body: TaskBody) -> None:
        try:
            answer = httpx2.post(url, json=body, timeout=_SECONDS, trust_env=False)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise RegistrationError(f"--register: {redact_url(url)} does not answer: {error}") from error
        if not answer.is_success:
            raise RegistrationError(f"--register: {redact_url(url)} answered {answer.status_code}")

    return register

"""The environment variables by which an application finds the mock: EVOLINK_BASE_URL and EVOLINK_API_KEY."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

URL, KEY = "EVOLINK_BASE_URL", "EVOLINK_API_KEY"


def key_of_application() -> str:
    """Return the value of EVOLINK_API_KEY; empty if the variable is not set."""
    return os.environ.get(KEY, "")


@contextmanager
def leading_to(url: str, key: str) -> Iterator[None]:
    """Set EVOLINK_BASE_URL and EVOLINK_API_KEY during the `with` block.

    The previous values are restored afterwards.
    """
    variables = {URL: url, KEY: key}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.mocks.mock_process import served

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def mock_url() -> Iterator[str]:
    """A mock in a process of its own, which accepts any key."""
    with served() as url:
        yield url

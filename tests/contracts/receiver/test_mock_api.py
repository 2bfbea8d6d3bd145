"""The requests of a receiver are read from the journal of a mock, which keeps only the last ones."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import httpx2
import pytest
from evolink_check import clock
from evolink_check.client.harness.mock_process import Mock
from evolink_check.receiver.mock_api import MockApi, clock_difference
from evolink_mock.domain.exchange import JOURNAL
from evolink_spec import load

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HALF = JOURNAL // 2 + 10


async def nothing(_: MockApi) -> None:
    pass


@pytest.mark.parametrize(
    ("between", "expected"), [(MockApi.requests, (True, 2 * HALF)), (nothing, (False, JOURNAL))]
)
def test_requests_are_missing_only_if_the_mock_dropped_them_before_they_were_read(
    between: Callable[[MockApi], Awaitable[object]], expected: tuple[bool, int], mock_url: str
) -> None:
    async def play() -> tuple[bool, int]:
        token = f"key-{secrets.token_hex(8)}"
        api = MockApi(Mock(mock_url, token, {}), "another-key", load())
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(base_url=mock_url, headers=headers, trust_env=False) as receiver:
            await api.start()
            for pause in (between, nothing):
                for _ in range(HALF):
                    await receiver.get("/v1/credits")
                await pause(api)
        found = len(await api.requests())
        await api.close()
        return api.complete, found

    assert asyncio.run(play()) == expected


def test_the_fastest_comparison_of_the_clocks_counts() -> None:
    assert clock_difference([(0.004, 0.021), (0.002, 0.02), (0.09, 0.05)]) == pytest.approx(0.021)
    assert clock_difference([(0.002, -3600.0)]) == pytest.approx(-3600.0, abs=0.002)


@pytest.mark.parametrize("ahead", [-0.1, -0.004, 0.0, 0.004, 0.1])
def test_no_request_seems_to_precede_what_caused_it(
    ahead: float, mock_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clocks of two processes drift apart, by a tenth of a second within minutes."""
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + ahead)

    async def play() -> tuple[float, float, float]:
        token = f"key-{secrets.token_hex(8)}"
        api = MockApi(Mock(mock_url, token, {}), "another-key", load())
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(base_url=mock_url, headers=headers, trust_env=False) as receiver:
            await api.start()
            before = clock.now()
            await receiver.get("/v1/credits")
            after = clock.now()
        (entry,) = await api.requests()
        await api.close()
        return before, entry.began, after

    before, began, after = asyncio.run(play())
    assert before <= began < after + 0.05

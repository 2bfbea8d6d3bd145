"""While the control API computes a long response, it serves other requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from evolink_mock.domain import clock
from support.mocks.in_process import playing

if TYPE_CHECKING:
    from support.mocks.in_process import Mock

EXCHANGES = 60


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/journal"), ("GET", "/journal.har"), ("POST", "/snapshot")]
)
def test_others_run_between_the_parts_of_a_long_response(
    method: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_SLICE_SECONDS", 0)

    async def turns_during(mock: Mock) -> int:
        headers = {"authorization": "Bearer key"}
        response = asyncio.create_task(mock.client.request(method, f"/__mock__{path}", headers=headers))
        turns = 0
        while not response.done():
            turns += 1
            await asyncio.sleep(0)
        assert (await response).status_code == 200
        return turns

    with playing() as mock:
        for _ in range(EXCHANGES):
            mock.ask("GET", "/v1/credits")
        assert mock.run(turns_during(mock)) > EXCHANGES

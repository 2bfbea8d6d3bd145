"""Read the journal of a mock after a run. The journal is a log of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check import clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from evolink_check.client.harness.journal_trace import Journals
    from evolink_check.client.harness.mock_process import Mock
    from evolink_check.client.harness.scenario import Scenario

_HANG_CHECKS = 20  # how often it is checked whether the mock has noticed that the client is gone
_FETCH_CHECKS = 10  # how often it is checked whether the mock has recorded the download of a result


def read_journal(mock: Mock, scenario: Scenario, *, saved: bool = False) -> Journals:
    """Return the mock's journal, after a short wait for the client's final requests.

    `saved` means that the client has saved a result. The function then also waits for the download of the result.
    """
    # If a client ends in the middle of a response, the mock notices this after a moment.
    for _ in range(_HANG_CHECKS if scenario.may_break_off else 0):
        journals = mock.journal()
        if _has_unusual(journals, scenario):
            return journals
        clock.wait(0.1)
    journals = mock.journal()
    for _ in range(_FETCH_CHECKS if saved else 0):
        if any(_is_fetch(entry) for entry in journals.own):
            break
        clock.wait(0.1)
        journals = mock.journal()
    return journals


def _is_fetch(entry: Mapping[str, Any]) -> bool:
    kind: str = entry["response"]["content"]["mimeType"]
    return kind.partition("/")[0] in {"video", "image", "audio"}


def _has_unusual(journals: Journals, scenario: Scenario) -> bool:
    if any(entry["response"]["status"] in {0, -1} for entry in journals.own):
        return True  # an interrupted response is taken for the unusual one
    queries = sum(entry["request"]["method"] == "GET" for entry in journals.own)
    # The first `usual_first` queries get the usual response.
    return not scenario.hangs and all(queries > order.usual_first for order in scenario.orders)

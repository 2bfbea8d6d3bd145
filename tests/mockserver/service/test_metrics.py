"""The metrics: what is counted, under which labels, and that without the option there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from evolink_mock.domain.deliveries import Attempt
from evolink_mock.setting_checks import check
from evolink_mock.setting_values import SettingError
from evolink_mock.settings import Settings
from prometheus_client.parser import text_string_to_metric_families
from support.mocks.in_process import BODY, CREATE, SPEC, Mock, playing

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/__mock__/metrics"
REQUESTS = "evolink_mock_requests_total"


@pytest.fixture(scope="module")
def counting() -> Iterator[Mock]:
    """A mock that has answered one request of each kind, on a clock at which one of two tasks has ended."""
    with playing(metrics=True) as mock:
        mock.query(mock.create())
        mock.clock.advance(60)
        mock.create()
        mock.post({**BODY, "prompt": 7})
        mock.get("/v1/nowhere")
        mock.ask("BREW", CREATE)
        mock.get("/__mock__/account")
        mock.service.callback_service.observe(Attempt(0.0, 0.1, 204, None))
        mock.service.callback_service.observe(Attempt(0.0, 0.1, 500, None))
        mock.service.callback_service.observe(Attempt(0.0, 0.1, None, "refused"))
        yield mock


def samples(mock: Mock) -> dict[tuple[str, ...], float]:
    """The values by name and labels."""
    response = mock.get(PATH, token=None)
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(response.text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_are_counted_by_method_route_and_status(counting: Mock) -> None:
    found = samples(counting)
    requests = {key[1:]: value for key, value in found.items() if key[0] == REQUESTS}
    assert requests == {
        ("POST", CREATE, "200"): 2,
        ("POST", CREATE, "400"): 1,
        ("GET", "/v1/tasks/{task_id}", "200"): 1,
        ("GET", "other", "404"): 1,
        ("other", CREATE, "405"): 1,
    }
    assert found["evolink_mock_request_duration_seconds_count", "POST", CREATE] == 3
    assert found["evolink_mock_violations_total", CREATE] == 2


def test_tasks_accounts_and_callbacks_are_counted_by_state(counting: Mock) -> None:
    found = samples(counting)
    assert found["evolink_mock_tasks", "completed"] == found["evolink_mock_tasks", "pending"] == 1
    assert found["evolink_mock_accounts",] == 1
    outcomes = ("accepted", "refused", "unanswered")
    assert [found["evolink_mock_callback_attempts_total", outcome] for outcome in outcomes] == [1, 1, 1]


def test_exchanges_that_a_journal_dropped_are_counted() -> None:
    with playing(metrics=True) as mock:
        for _ in range(203):
            mock.get("/v1/credits")
        assert samples(mock)["evolink_mock_journal_dropped_exchanges",] == 3


def test_without_the_option_there_are_no_metrics() -> None:
    with playing() as mock:
        response = mock.get(PATH)
        assert response.status_code == 404
        assert "--metrics" in response.text


def test_the_option_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evolink_mock.setting_checks.find_spec", lambda _: None)
    with pytest.raises(SettingError, match=r"evolink-mock\[metrics\]"):
        check(Settings(metrics=True), SPEC)

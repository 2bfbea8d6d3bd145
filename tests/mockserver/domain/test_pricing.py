"""The number and the price of results, and what returns at the end of a task."""

from __future__ import annotations

from typing import Any

import pytest
from evolink_mock.domain.accounts import charge, move_refund, remaining
from evolink_mock.domain.pricing import results_of
from evolink_mock.domain.tasks import Outcome, Results
from evolink_mock.media.spec import media_spec_of
from evolink_spec.models import Prose
from msgspec.structs import replace
from support.records.builders import FAILURE, OPERATION, START, a_task, a_timetable, an_account, an_operation


def priced(rule: str, credits_reserved: float, **info: Any) -> dict[str, Any]:
    usage = {"billing_rule": rule, "credits_reserved": credits_reserved}
    return {**OPERATION.answer, "usage": usage, "task_info": {"can_cancel": True, **info}}


PER_SECOND = an_operation(
    answer=priced("per_second", 120, video_duration=5), defaults={}, prose=Prose(hold_seconds=30)
)
PER_IMAGE = an_operation(
    answer=priced("per_image", 2.5), medium="image", properties={"n": {"type": "integer"}}, defaults={}
)


def results(operation: Any, **request: Any) -> Results | None:
    return results_of(request, operation, media_spec_of(request, operation.medium, 0))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"duration": 5}, None),
        ({"duration": 10}, Results(1, 240, 240)),
        ({"duration": "10s"}, Results(1, 240, 240)),
        ({"duration": -1}, Results(1, 720, 144)),
        ({"duration": "auto"}, Results(1, 720, 144)),
    ],
)
def test_a_price_per_second_is_in_proportion_to_the_example(
    request_: dict[str, Any], expected: Results | None
) -> None:
    assert results(PER_SECOND, **request_) == expected


@pytest.mark.parametrize(("n", "expected"), [(1, None), (4, Results(4, 10, 10)), (99, Results(24, 60, 60))])
def test_a_price_per_image_is_that_of_all_images(n: int, expected: Results | None) -> None:
    assert results(PER_IMAGE, n=n) == expected


def test_a_price_per_call_does_not_depend_on_the_number_of_results() -> None:
    operation = an_operation(properties={"n": {}}, defaults={})
    assert results(operation, n=3) == Results(3, 5, 5)
    assert results(OPERATION, n=3) is None  # the document knows no `n`


def test_equal_results_are_one_object() -> None:
    assert results(PER_IMAGE, n=4) is results(PER_IMAGE, n=4)


def test_what_was_reserved_but_not_needed_returns_at_the_end() -> None:
    account, task = an_account(), a_task(a_timetable(seconds=10), results=Results(1, 30, 6))
    charge(account, task, 30)
    assert [remaining(account, START + seconds) for seconds in (0, 9, 10)] == [70, 70, 94]


def test_the_refund_follows_a_forced_outcome() -> None:
    account, task = an_account(), a_task(a_timetable(seconds=10), results=Results(1, 30, 6))
    charge(account, task, 30)
    failed = replace(task, timetable=replace(task.timetable, ends=START + 2, outcome=Outcome(FAILURE)))
    move_refund(account, task, failed)
    assert [remaining(account, START + seconds) for seconds in (1, 2, 10)] == [70, 100, 100]

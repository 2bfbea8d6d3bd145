"""When a result link gives its file, and when it does not."""

from __future__ import annotations

import pytest
from evolink_mock.api.media import link_error
from evolink_mock.domain.task_body import media_name
from evolink_mock.domain.tasks import LINK_SECONDS, SUCCESS, Outcome, Results, Task, Timetable
from evolink_mock.http.errors import ApiError
from evolink_mock.media.spec import media_spec_of
from evolink_spec.models import Prose
from hypothesis import given
from hypothesis import strategies as st
from support.records.builders import FAILURE, START, TIMETABLES, a_task, a_timetable, an_operation, instants

END = START + 10


def status(task: Task | None, now: float, name: str | None = None) -> int:
    """The status of a download: 200 when nothing is refused."""
    fault = link_error(task, name or media_name(task or a_task()), now)
    return fault.status if fault else 200


@pytest.mark.parametrize(
    ("now", "answer"),
    [
        (START, 404),
        (END - 0.001, 404),
        (END, 200),
        (END + 86_399.999, 200),
        (END + 86_400, 410),
        (END + 1e9, 410),
    ],
)
def test_a_link_lives_from_the_end_of_its_task_for_a_day(now: float, answer: int) -> None:
    assert status(a_task(), now) == answer


@given(TIMETABLES, st.data())
def test_a_link_works_whenever_a_query_has_just_given_it(timetable: Timetable, data: st.DataObject) -> None:
    now = data.draw(instants(timetable))
    given_out = timetable.outcome.failure is None and timetable.ends <= now < timetable.ends + LINK_SECONDS
    assert (status(a_task(timetable), now) == 200) is given_out


def test_a_failed_task_has_no_result() -> None:
    failed = a_task(a_timetable(outcome=Outcome(FAILURE)))
    assert [status(failed, now) for now in (START, END, END + 1e9)] == [404, 404, 404]


def test_a_link_to_nothing_is_404() -> None:
    assert status(None, END) == 404


@pytest.mark.parametrize("ending", ["", ".", ".mp3", ".mp4.mp4", ".MP4", "x.mp4", ".mp4/"])
def test_a_file_with_another_suffix_does_not_exist(ending: str) -> None:
    assert status(a_task(), END, a_task().id + ending) == 404


def test_the_suffix_is_that_of_the_medium() -> None:
    image = a_task(operation=an_operation(medium="image"), media=media_spec_of({}, "image", 0))
    assert status(image, END, image.id + ".png") == 200
    assert status(image, END, image.id + ".mp4") == 404


def test_each_of_several_results_has_a_link_of_its_own() -> None:
    task = a_task(results=Results(3, 5, 5))
    names = [task.id + ending for ending in (".mp4", "-2.mp4", "-3.mp4", "-4.mp4", "-1.mp4")]
    assert [status(task, END, name) for name in names] == [200, 200, 200, 404, 404]


def test_a_link_lives_as_long_as_the_document_says() -> None:
    task = a_task(Timetable(START, START, END, 5, SUCCESS, 72 * 3600.0))
    assert [status(task, END + 72 * 3600 + late) for late in (-1, 0)] == [200, 410]
    assert link_error(task, media_name(task), END + 1e9) == ApiError(410, "result links live for 72 hours")


def test_a_task_without_files_has_no_link() -> None:
    assert status(a_task(operation=an_operation(prose=Prose(has_files=False))), END) == 404

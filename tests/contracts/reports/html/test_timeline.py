from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from evolink_check.reports.html.page import render_part
from evolink_check.reports.html.task_lanes import lanes
from evolink_check.reports.html.timeline import SHAPES, Lane, Mark, draw
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records.trace_builders import Tracing, completed, processing

if TYPE_CHECKING:
    from collections.abc import Sequence

TONES = ("pending", "processing", "completed", "failed", "good", "bad", "muted")
MARKS = st.builds(
    Mark,
    st.floats(0, 1e6),
    st.sampled_from(list(SHAPES)),
    st.sampled_from(TONES),
    st.text(max_size=9),
    st.none() | st.floats(-1, 2),
    st.none() | st.floats(0, 1e6),
)
LANES = st.lists(
    st.builds(Lane, st.text(max_size=40), st.lists(MARKS, max_size=6).map(tuple), st.text(max_size=9)),
    max_size=4,
)


def picture(lanes: Sequence[Lane], seconds: float | None = None) -> ET.Element:
    return ET.fromstring(render_part("timeline", draw(lanes, title="all", seconds=seconds)))


def at(mark: ET.Element) -> tuple[float, float]:
    x, y = mark.get("transform", "").removeprefix("translate(").removesuffix(")").split()
    return float(x), float(y)


def drawn(*marks: Mark, seconds: float | None = None) -> ET.Element:
    return picture([Lane("one", marks)], seconds=seconds)


def marks_of(root: ET.Element) -> list[ET.Element]:
    return [one for one in root.iter() if "mark" in one.get("class", "").split()]


def number(element: ET.Element, name: str) -> float:
    return float(element.get(name, "nan"))


@settings(max_examples=40, deadline=None)
@given(LANES)
def test_whatever_is_drawn_is_a_drawing(lanes: list[Lane]) -> None:
    root = picture(lanes)
    assert len(marks_of(root)) == sum(len(lane.marks) for lane in lanes)
    width, height = map(float, root.get("viewBox", "").split()[2:])
    for line in root.iter("line"):
        for name, most in (("x1", width), ("x2", width), ("y1", height), ("y2", height)):
            assert 0 <= number(line, name) <= most
    for mark in marks_of(root):
        x, y = at(mark)
        assert 0 <= x <= width
        assert 0 <= y <= height


def test_time_goes_to_the_right_and_progress_up() -> None:
    early, late = marks_of(drawn(Mark(1, "dot", "good", level=0.2), Mark(3, "dot", "good", level=0.9)))
    assert at(early)[0] < at(late)[0]
    assert at(early)[1] > at(late)[1]


def test_levels_are_joined_and_what_stands_on_the_ground_is_not() -> None:
    marks = [Mark(place, "dot", "good", level=0.5) for place in (1, 2, 3)] + [Mark(4, "triangle", "bad")]
    (line,) = drawn(*marks).iter("polyline")
    assert len(line.get("points", "").split()) == 3
    assert not list(drawn(marks[0]).iter("polyline")), "one point is no line"


def test_lanes_stand_below_each_other() -> None:
    lanes = [Lane(name, (Mark(1, "dot", "good"),)) for name in "ab"]
    first, second = marks_of(picture(lanes))
    assert at(first)[0] == at(second)[0]
    assert at(first)[1] < at(second)[1]


def test_how_long_something_took_is_a_bar() -> None:
    (bar,) = [
        one
        for one in drawn(Mark(1, "dot", "good", until=3), Mark(4, "dot", "good")).iter("line")
        if "took" in one.get("class", "")
    ]
    assert number(bar, "x2") > number(bar, "x1")


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (10, ["0 s", "2", "4", "6", "8", "10"]),
        (0.4, ["0.00 s", "0.05", "0.10", "0.15", "0.20", "0.25", "0.30", "0.35", "0.40"]),
        (3600, ["0 s", "500", "1000", "1500", "2000", "2500", "3000", "3500"]),
    ],
)
def test_the_axis_has_round_numbers(seconds: float, labels: list[str]) -> None:
    found = [one.text for one in drawn(seconds=seconds).iter("text") if one.get("class") == "axis"]
    assert found == labels


def test_a_mark_says_what_it_is_when_a_pointer_rests_on_it() -> None:
    (mark,) = marks_of(drawn(Mark(0, "cross", "bad", "<b>lost</b>")))
    assert [one.text for one in mark] == ["<b>lost</b>"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tone", TONES)
def test_shape_and_tone_can_be_seen(shape: Any, tone: Any) -> None:
    (mark,) = marks_of(drawn(Mark(1, shape, tone)))
    assert {f"t-{tone}", shape} <= set(mark.get("class", "").split())
    assert mark.get("d") == SHAPES[shape]


def test_each_shape_is_another_one() -> None:
    assert len(set(SHAPES.values())) == len(SHAPES)


def test_a_legend_shows_each_mark_with_its_meaning() -> None:
    root = ET.fromstring(render_part("legend", [("dot", "good", "fine"), ("cross", "bad", "<lost>")]))
    assert ["".join(item.itertext()).strip() for item in root] == ["fine", "<lost>"]
    assert len(marks_of(root)) == 2


def test_a_long_label_is_cut_and_still_told() -> None:
    root = picture([Lane("x" * 60, ())])
    (label,) = [text for text in root.iter("text") if text.get("class") == "lane"]
    assert "".join(label.itertext()) == "x" * 60 + "x" * 21 + "…"


def test_a_day_in_which_nothing_happened_is_drawn_short() -> None:
    told = Tracing()
    told.create()
    told.query(processing())
    told.query(completed())
    told.link()
    told.link(after=82_800.0)
    told.link(410, after=3_660.0)
    (lane,) = lanes(told.reading())
    assert max(mark.at for mark in lane.marks) < 10
    assert "86463.5" in lane.marks[-1].title, "what is told keeps its time"
    assert [mark.at for mark in lane.marks] == sorted(mark.at for mark in lane.marks)


def test_what_happened_within_the_hour_is_drawn_as_it_was() -> None:
    told = Tracing()
    told.create()
    told.query(completed(), after=3000.0)
    (lane,) = lanes(told.reading())
    assert round(lane.marks[-1].at) == 3000

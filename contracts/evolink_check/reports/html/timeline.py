"""Lay out events over time for an SVG of fixed width.

Each task or scenario has a lane, and each event has a mark.

    drawing = draw([Lane("task 7cvn", (Mark(0, "diamond", "pending", "create: 200", until=0.8), …))], title="Tasks")

`templates/parts.html` turns a drawing into SVG. A `Tone` selects a colour, which page.css defines.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Shape = Literal["diamond", "dot", "triangle", "square", "cross"]
Tone = Literal["pending", "processing", "completed", "failed", "good", "bad", "muted"]

# The SVG path of each shape, with the origin at its centre.
SHAPES: Mapping[Shape, str] = {
    "diamond": "M0 -6L6 0L0 6L-6 0Z",
    "dot": "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z",
    "triangle": "M0 -5.5L5.5 4.5L-5.5 4.5Z",
    "square": "M-4.5 -4.5H4.5V4.5H-4.5Z",
    "cross": "M-4 -4L4 4M4 -4L-4 4",
}
_WIDTH, _LEFT, _RIGHT = 960.0, 170.0, 24.0  # units of the drawing, which a page scales to its own width
_LANE, _PAD, _HEAD, _FOOT = 62.0, 14.0, 8.0, 34.0
_TICKS = 8
_LABEL = 22  # maximum number of characters of a label


@dataclass(frozen=True, slots=True)
class Mark:
    """The symbol of one event in a lane.

    Within each lane, a line connects the marks that have a `level`.
    """

    at: float  # the start of the event, in seconds from the start of the drawing
    shape: Shape
    tone: Tone
    title: str = ""  # the tooltip
    level: float | None = None  # height in the lane, from 0 to 1; None places the mark at the bottom
    until: float | None = None  # the end of the event, in seconds from the start of the drawing


@dataclass(frozen=True, slots=True)
class Lane:
    """The events of one task or scenario."""

    label: str
    marks: tuple[Mark, ...]
    note: str = ""  # a second, smaller line below the label


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled position on the time axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class PlacedMark:
    """A mark at its position in the SVG."""

    x: float  # of the centre
    y: float  # of the centre
    until: float  # the x coordinate of the end of the event
    shape: Shape
    tone: Tone
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """A lane at its position in the SVG."""

    label: str
    short_label: str  # the label, cut to `_LABEL` characters
    note: str
    ground: float  # the y coordinate of the bottom of the lane
    points: tuple[str, ...]  # coordinates (`x,y`) of the line that joins the marks that have a level
    marks: tuple[PlacedMark, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Lanes one below the other, with a common time axis in seconds.

    The area with the marks has the edges `left`, `right`, `top` and `bottom`. Lengths are in SVG units.
    """

    title: str
    height: float
    bottom: float
    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]
    width: float = _WIDTH
    left: float = _LEFT
    right: float = _WIDTH - _RIGHT
    top: float = _HEAD


def draw(lanes: Sequence[Lane], *, title: str, seconds: float | None = None) -> Drawing:
    """Return a drawing of the lanes.

    `seconds` is the length of the time axis. If `seconds` is None, the axis ends at the last mark.
    """
    last = max((mark.until or mark.at for lane in lanes for mark in lane.marks), default=0.0)
    span = max(seconds if seconds is not None else last, 0.001)
    bottom = _HEAD + _LANE * len(lanes)
    rows = tuple(_row(lane, _HEAD + _LANE * index, span) for index, lane in enumerate(lanes))
    return Drawing(title, bottom + _FOOT, bottom, _ticks(span), rows)


def _x(at: float, span: float) -> float:
    return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(at / span, 0.0), 1.0), 1)


def _ticks(span: float) -> tuple[Tick, ...]:
    step = _seconds_between_ticks(span)
    decimals = max(0, -floor(log10(step)))
    return tuple(
        Tick(_x(count * step, span), f"{count * step:.{decimals}f}{' s' if count == 0 else ''}")
        for count in range(int(span / step + 1e-9) + 1)
    )


def _seconds_between_ticks(span: float) -> float:
    # One of …, 0.5, 1, 2, 5, 10, …: the smallest that divides the axis into at most `_TICKS` intervals.
    size = 10.0 ** floor(log10(span / _TICKS))
    return next(size * factor for factor in (1, 2, 5, 10, 20) if size * factor * _TICKS >= span)


def _row(lane: Lane, top: float, span: float) -> Row:
    ground = top + _LANE - _PAD
    marks = tuple(
        PlacedMark(
            _x(mark.at, span),
            _y(mark, ground),
            _x(mark.until if mark.until is not None else mark.at, span),
            mark.shape,
            mark.tone,
            mark.title,
        )
        for mark in lane.marks
    )
    points = tuple(
        f"{placed.x},{placed.y}"
        for mark, placed in zip(lane.marks, marks, strict=True)
        if mark.level is not None
    )
    short_label = lane.label if len(lane.label) <= _LABEL else f"{lane.label[: _LABEL - 1]}…"
    return Row(lane.label, short_label, lane.note, ground, points, marks)


def _y(mark: Mark, ground: float) -> float:
    return round(ground - (_LANE - 2 * _PAD) * min(max(mark.level or 0.0, 0.0), 1.0), 1)

"""What happened in time, drawn: a lane a task or a scenario, a mark an event, as one SVG of a fixed width. Pure.

    lanes = [Lane("task 7cvn", (Mark(0, "diamond", "pending", "create: 200", until=0.8), …))]
    svg = timeline(lanes, title="Tasks as observed")

Colours are classes of page.css, which `page.document` brings along.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING, Literal

from evolink_check.reports.html.elements import Html, el, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Shape = Literal["diamond", "dot", "triangle", "square", "cross"]
Tone = Literal["pending", "processing", "completed", "failed", "good", "bad", "muted"]

_WIDTH, _LEFT, _RIGHT = 960.0, 170.0, 24.0  # units of the drawing, which a page stretches to its own width
_LANE, _PAD, _HEAD, _FOOT = 62.0, 14.0, 8.0, 34.0
_SIZE = 5.0  # half of a mark
_TICKS = 8
_LABEL = 22  # characters


@dataclass(frozen=True, slots=True)
class Mark:
    """One event. `at` and `until` are seconds from the start of the drawing; `until` draws how long it took.

    `level` from 0 to 1 is its height in the lane, and levels of a lane are joined by a line; None: on the ground.
    `title` is what shows when a pointer rests on it.
    """

    at: float
    shape: Shape
    tone: Tone
    title: str = ""
    level: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """What happened to one thing. `note` is a second, smaller line below the label."""

    label: str
    marks: tuple[Mark, ...]
    note: str = ""


def timeline(lanes: Sequence[Lane], *, title: str, seconds: float | None = None) -> Html:
    """The lanes below each other over one axis of seconds; `seconds` is its length, or as long as the last mark."""
    last = max((mark.until or mark.at for lane in lanes for mark in lane.marks), default=0.0)
    span = max(seconds if seconds is not None else last, 0.001)
    ground = _HEAD + _LANE * len(lanes)
    rows = [_lane(lane, _HEAD + _LANE * place, span) for place, lane in enumerate(lanes)]
    return el(
        "svg",
        *_axis(span, ground),
        *rows,
        viewBox=f"0 0 {_WIDTH:.0f} {ground + _FOOT:.0f}",
        class_="timeline",
        role="img",
        aria_label=title,
    )


def legend(kinds: Iterable[tuple[Shape, Tone, str]]) -> Html:
    """What shapes and colours mean, as a line of HTML."""
    return el(
        "p",
        *(
            el(
                "span",
                el(
                    "svg",
                    _drawn(shape, 7, 7, tone, ""),
                    viewBox="0 0 14 14",
                    class_="key",
                    aria_hidden="true",
                ),
                meaning,
            )
            for shape, tone, meaning in kinds
        ),
        class_="legend",
    )


def _x(at: float, span: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(at / span, 0.0), 1.0)


def _axis(span: float, ground: float) -> Iterator[Html]:
    step = _step(span)
    decimals = max(0, -floor(log10(step)))
    for count in range(int(span / step + 1e-9) + 1):
        x = _x(count * step, span)
        yield el("line", x1=x, x2=x, y1=_HEAD, y2=ground, class_="tick")
        label = f"{count * step:.{decimals}f}{' s' if count == 0 else ''}"
        yield el("text", label, x=x, y=ground + 18, text_anchor="middle", class_="axis")


def _step(span: float) -> float:
    """The smallest of 1, 2, 5, 10, … that divides the axis into few enough parts."""
    size = 10.0 ** floor(log10(span / _TICKS))
    return next(size * many for many in (1, 2, 5, 10, 20) if size * many * _TICKS >= span)


def _lane(lane: Lane, top: float, span: float) -> Html:
    ground = top + _LANE - _PAD
    line = " ".join(
        f"{_x(mark.at, span):.1f},{_y(mark, ground):.1f}" for mark in lane.marks if mark.level is not None
    )
    label = lane.label if len(lane.label) <= _LABEL else f"{lane.label[: _LABEL - 1]}…"
    parts = [
        el("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=ground, y2=ground, class_="ground"),
        el("text", el("title", lane.label), label, x=0, y=ground - 14, class_="lane"),
        el("text", lane.note, x=0, y=ground + 2, class_="note"),
        el("polyline", points=line, class_="course") if " " in line else Html(),
    ]
    for mark in lane.marks:
        x, y = _x(mark.at, span), _y(mark, ground)
        if mark.until is not None and mark.until > mark.at:
            parts.append(el("line", x1=x, x2=_x(mark.until, span), y1=y, y2=y, class_=f"took t-{mark.tone}"))
        parts.append(_drawn(mark.shape, x, y, mark.tone, mark.title))
    return el("g", *parts)


def _y(mark: Mark, ground: float) -> float:
    height = _LANE - 2 * _PAD
    return ground - height * min(max(mark.level or 0.0, 0.0), 1.0)


def _drawn(shape: Shape, x: float, y: float, tone: Tone, title: str) -> Html:
    told = joined([el("title", title)]) if title else Html()
    if shape == "dot":
        return el("circle", told, cx=x, cy=y, r=_SIZE * 0.8, class_=f"mark t-{tone}")
    if shape == "cross":
        path = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"
        return el("path", told, d=path, class_=f"mark cross t-{tone}")
    corners: dict[Shape, Sequence[tuple[float, float]]] = {
        "diamond": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "triangle": ((0, -1.1), (1.1, 0.9), (-1.1, 0.9)),
    }
    points = " ".join(f"{x + _SIZE * right:.1f},{y + _SIZE * down:.1f}" for right, down in corners[shape])
    return el("polygon", told, points=points, class_=f"mark t-{tone}")

"""The number and the price of a task's results.

The price is derived from the example response in the OpenAPI document.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from evolink_mock.domain.tasks import Results

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import CreateOperation
    from evolink_spec.models import Json

    from evolink_mock.domain.tasks import Task
    from evolink_mock.media.spec import MediaSpec

_PER_SECOND, _PER_IMAGE = "per_second", "per_image"
_COUNT = "n"  # the request field with the number of results
_MOST_RESULTS = 24
_EXAMPLE_SECONDS = 5.0  # the duration of the example's video, if the document does not state it
_DECIMALS = 6


def price_of(operation: CreateOperation) -> float:
    """Return the price (`credits_reserved`) in the example response of the OpenAPI document.

    Returns 0 if the example has no price.
    """
    price = _usage(operation).get("credits_reserved", 0)
    return price if isinstance(price, int | float) else 0


def results_of(request: Mapping[str, Json], operation: CreateOperation, media: MediaSpec) -> Results | None:
    """Return the number and the price of the results that a request asks for.

    Returns None if number and price are as in the OpenAPI document's example. If billing is per second, the example's
    price is scaled to the requested duration. If billing is per image, the example's price is multiplied by the number
    of images.

    A request can let the service choose the duration (`-1` or `auto`). The price of the longest possible video is then
    reserved.
    """
    count, price = _count(request, operation), price_of(operation)
    rule = _usage(operation).get("billing_rule")
    reserved = settled = price
    if rule == _PER_SECOND and media.seconds:
        unit = price / _example_seconds(operation)
        settled = unit * media.seconds
        reserved = settled if _is_decided(request) else max(settled, unit * operation.prose.hold_seconds)
    elif rule == _PER_IMAGE:
        reserved = settled = price * count
    if count == operation.prose.results and reserved == settled == price:
        return None
    return _shared(count, _rounded(reserved), _rounded(settled))


def count_of(task: Task) -> int:
    """Return the number of results of a task."""
    return task.operation.prose.results if task.results is None else task.results.count


def refund_of(task: Task) -> float:
    """Return the credits to refund when a task ends.

    If the task fails, all reserved credits are refunded. If the task completes, the unused part of the reserved price
    is refunded.
    """
    results = task.results
    if task.timetable.outcome.failure is not None:
        return price_of(task.operation) if results is None else results.reserved
    return 0 if results is None else _rounded(results.reserved - results.settled)


@lru_cache(maxsize=4096)  # tasks with equal results share one object
def _shared(count: int, reserved: float, settled: float) -> Results:
    return Results(count, reserved, settled)


def _usage(operation: CreateOperation) -> Mapping[str, Json]:
    usage = operation.answer.get("usage")
    return usage if isinstance(usage, dict) else {}


def _count(request: Mapping[str, Json], operation: CreateOperation) -> int:
    requested = request.get(_COUNT)
    if _COUNT not in operation.properties or type(requested) is not int:
        return operation.prose.results
    return max(1, min(requested, _MOST_RESULTS))


def _is_decided(request: Mapping[str, Json]) -> bool:
    duration = request.get("duration")
    return type(duration) not in {int, float, str} or str(duration).rstrip("s").replace(".", "").isdigit()


def _example_seconds(operation: CreateOperation) -> float:
    # The price in the example response applies to a video of this duration.
    info = operation.answer.get("task_info")
    shown = info.get("video_duration") if isinstance(info, dict) else None
    for seconds in (operation.defaults.get("duration"), shown):
        if isinstance(seconds, int | float) and seconds > 0:
            return float(seconds)
    return _EXAMPLE_SECONDS


def _rounded(price: float) -> float:
    price = round(price, _DECIMALS)
    return int(price) if price == int(price) else price
